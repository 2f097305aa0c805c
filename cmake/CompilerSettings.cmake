# SPDX-License-Identifier: Apache-2.0
# One interface target carries how our own code is compiled; libraries of others are SYSTEM.
add_library(hearth_flags INTERFACE)
target_include_directories(hearth_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(hearth_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # No fused multiply-add: results must be bit-identical to Prometheus' on every machine.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(hearth_flags INTERFACE -Wthread-safety)
else()
  # GCC 12 warns wrongly inside std::string with optimisation (gcc bugs 105329, 105651).
  target_compile_options(hearth_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
  # SSE4.2 for CRC-32C; every x86-64 server of the last twelve years has it.
  add_compile_options(-march=x86-64-v2)
endif()
if(HEARTH_SANITIZE)
  string(REPLACE ";" "," HEARTH_SANITIZE_LIST "${HEARTH_SANITIZE}")
  add_compile_options(-fsanitize=${HEARTH_SANITIZE_LIST} -fno-omit-frame-pointer)
  if(HEARTH_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${HEARTH_SANITIZE_LIST})
endif()
if(HEARTH_SANITIZE MATCHES "thread")
  # src/base/tsan_absl.cc speaks for the distribution's Abseil, which no sanitizer sees into.
  find_path(HEARTH_ABSL_INCLUDE absl/base/options.h REQUIRED)
  file(STRINGS ${HEARTH_ABSL_INCLUDE}/absl/base/options.h HEARTH_ABSL_NAMESPACE
    REGEX "^#define ABSL_OPTION_INLINE_NAMESPACE_NAME ")
  string(REGEX REPLACE "^.* " "" HEARTH_ABSL_NAMESPACE "${HEARTH_ABSL_NAMESPACE}")
  string(LENGTH "${HEARTH_ABSL_NAMESPACE}" HEARTH_ABSL_LENGTH)
  set(HEARTH_ABSL_MANGLED "${HEARTH_ABSL_LENGTH}${HEARTH_ABSL_NAMESPACE}")
  foreach(symbol N_5Mutex4LockEv N_5Mutex6UnlockEv N_5Mutex10ReaderLockEv N_5Mutex12ReaderUnlockEv
      N_5Mutex7TryLockEv N_5Mutex5AwaitERKNS0_9ConditionE N_5MutexD1Ev
      N_5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE N_7CondVar4WaitEPNS0_5MutexE
      N_7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE N_12Notification6NotifyEv
      NK_12Notification19WaitForNotificationEv
      NK_12Notification30WaitForNotificationWithTimeoutENS0_8DurationE)
    string(REGEX REPLACE "^(NK?)_" "_Z\\14absl${HEARTH_ABSL_MANGLED}" symbol "${symbol}")
    add_link_options(-Wl,--wrap=${symbol})
  endforeach()
endif()
if(HEARTH_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
find_program(HEARTH_MOLD mold)
if(HEARTH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(HEARTH_CCACHE ccache)
if(HEARTH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the checkout: one cache serves every clone.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=true ${HEARTH_CCACHE})
endif()
# Debug information must not carry the checkout's path, or no cache entry serves a second checkout.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.
  -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
