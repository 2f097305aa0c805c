// SPDX-License-Identifier: Apache-2.0
// How a function of ours fails: absl::Status, absl::StatusOr<T>, and two macros to pass errors up.
//
//   absl::Status Load(...) {
//     TRY(CheckName(name));
//     TRY_ASSIGN(std::string bytes, file_system.ReadFile(path));
//     ...
//   }
//
// Bad input and likely trouble of the environment are Status; a bug of ours is CHECK (check.h).
// Messages carry the value, the limit and the way out; context is added on the way up (Annotate).
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace hearth {

// `status` with "context: " before its message; OK stays OK. Payloads are kept.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// The message as a std::string (absl's own accessor returns its own string_view type).
std::string Message(const absl::Status& status);

// Errors with a formatted message: `return InvalidArgument("label {} is {} bytes", name, n);`
#define HEARTH_DEFINE_ERROR(Name, AbslFunction)                                         \
  template <typename... Args>                                                           \
  [[nodiscard]] absl::Status Name(fmt::format_string<Args...> format, Args&&... args) { \
    return AbslFunction(ToAbsl(fmt::format(format, std::forward<Args>(args)...)));      \
  }
HEARTH_DEFINE_ERROR(InvalidArgument, absl::InvalidArgumentError)
HEARTH_DEFINE_ERROR(NotFound, absl::NotFoundError)
HEARTH_DEFINE_ERROR(AlreadyExists, absl::AlreadyExistsError)
HEARTH_DEFINE_ERROR(FailedPrecondition, absl::FailedPreconditionError)
HEARTH_DEFINE_ERROR(PermissionDenied, absl::PermissionDeniedError)
HEARTH_DEFINE_ERROR(Unauthenticated, absl::UnauthenticatedError)
HEARTH_DEFINE_ERROR(ResourceExhausted, absl::ResourceExhaustedError)
HEARTH_DEFINE_ERROR(OutOfRange, absl::OutOfRangeError)
HEARTH_DEFINE_ERROR(Unavailable, absl::UnavailableError)
HEARTH_DEFINE_ERROR(DeadlineExceeded, absl::DeadlineExceededError)
HEARTH_DEFINE_ERROR(Cancelled, absl::CancelledError)
HEARTH_DEFINE_ERROR(DataLoss, absl::DataLossError)
HEARTH_DEFINE_ERROR(Unimplemented, absl::UnimplementedError)
HEARTH_DEFINE_ERROR(Internal, absl::InternalError)
#undef HEARTH_DEFINE_ERROR

namespace status_internal {
inline const absl::Status& ToStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& ToStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}
}  // namespace status_internal

#define HEARTH_CONCAT_INNER(a, b) a##b
#define HEARTH_CONCAT(a, b) HEARTH_CONCAT_INNER(a, b)

// Returns from the enclosing function with the error of `expr` (a Status or StatusOr), if any.
#define TRY(expr)                                                                       \
  do {                                                                                  \
    if (const auto& hearth_try_result = (expr); !hearth_try_result.ok()) [[unlikely]] { \
      return ::hearth::status_internal::ToStatus(hearth_try_result);                    \
    }                                                                                   \
  } while (false)

// `TRY_ASSIGN(auto v, F())`: declares or assigns v from F()'s value, or returns its error.
#define TRY_ASSIGN(lhs, expr) TRY_ASSIGN_IMPL(HEARTH_CONCAT(hearth_try_, __COUNTER__), lhs, expr)
#define TRY_ASSIGN_IMPL(temporary, lhs, expr) \
  auto temporary = (expr);                    \
  if (!temporary.ok()) [[unlikely]] {         \
    return std::move(temporary).status();     \
  }                                           \
  lhs = *std::move(temporary)

}  // namespace hearth
