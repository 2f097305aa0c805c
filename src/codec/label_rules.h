// SPDX-License-Identifier: Apache-2.0
// The rules that a series' labels must keep, and the texts where they do not, in Cortex' order and
// words (pkg/util/validation of Cortex; aws-contract.md §11.2).
#pragma once

#include <span>
#include <string>

#include "codec/remote_write.h"
#include "model/labels.h"

namespace hearth::codec {

// `labels` are sorted by name and hold no empty values; names may repeat. Empty: they are fine.
std::string BreachedRule(std::span<const model::Label> labels, const LabelLimits& limits,
                         SeriesErrorKind* kind);

// True where every byte is below 0x80; such text is valid UTF-8.
bool IsAscii(std::string_view text);

}  // namespace hearth::codec
