// SPDX-License-Identifier: Apache-2.0
// The built UI (web/dist), compiled into the binary with its compressed forms.
//
// Everything here is constant data of the program: views live as long as it does, and every
// function may be called from any thread. In a build made without the UI the table is empty.
#pragma once

#include <span>
#include <string_view>

namespace hearth::web_assets {

struct Asset {
  std::string_view path;  // Relative to web/dist, no leading slash: "assets/index-Di….js".
  std::string_view content_type;  // With its charset where the type has one.
  std::string_view etag;          // Quoted, made from the content: "\"0f1e…\"".
  // The name holds a hash of the content, so that a cache may keep it for ever (`immutable`).
  bool hashed_name = false;
  std::string_view raw;
  // Empty where compression did not make the file smaller by a tenth, or was not run.
  std::string_view brotli;
  std::string_view gzip;
};

// The file of that path, or null. Takes time in the logarithm of the number of files.
const Asset* Find(std::string_view path);

// All files, sorted by path.
std::span<const Asset> All();

}  // namespace hearth::web_assets
