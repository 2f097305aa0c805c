// SPDX-License-Identifier: Apache-2.0
#include "base/compress.h"

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/snappy_decode.h"
#include "base/status.h"

namespace hearth {
namespace {

constexpr size_t kFirstOutput = size_t{64} << 10;

// A frame that declares no more is decompressed at once, without a window of its own; a larger
// claim may be a lie and must not cost its allocation.
constexpr unsigned long long kOneShotMax = 1 << 20;

// One context a thread: making one costs more than decompressing a page of a block.
ZSTD_DCtx* ThreadContext() {
  thread_local const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                                ZSTD_freeDCtx);
  if (context == nullptr) Fatal("out of memory: zstd context");
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
  // A window above the limit could never be needed: refuse it before it is allocated.
  constexpr int kWindowLogMax = 27;
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  return context.get();
}

absl::Status TooLarge(std::string_view format, size_t size, size_t size_max) {
  return ResourceExhausted("{}: decoded size of {} bytes exceeds the limit of {} bytes", format,
                           size, size_max);
}

}  // namespace

absl::Status SnappyDecompress(std::string_view in, size_t size_max, std::string* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(in.data(), in.size(), &size)) {
    return InvalidArgument("snappy: corrupt input");
  }
  if (size > size_max) return TooLarge("snappy", size, size_max);
  // No snappy element makes more than 64 bytes of its 3 (a two-byte-offset copy): a declared size
  // far beyond that is a lie and must not cost an allocation.
  if (size / 64 > in.size()) return InvalidArgument("snappy: corrupt input");
  out->resize(size);
  // The size before the elements is a varint, and whole: it was read above.
  size_t at = 0;
  while ((static_cast<unsigned char>(in[at]) & 0x80) != 0) ++at;
  if (!SnappyDecodeElements(in.substr(at + 1), out->data(), size)) {
    return InvalidArgument("snappy: corrupt input");
  }
  return absl::OkStatus();
}

std::string SnappyCompress(std::string_view in) {
  std::string out;
  snappy::Compress(in.data(), in.size(), &out);
  return out;
}

absl::Status GzipDecompress(std::string_view in, size_t size_max, std::string* out) {
  out->clear();
  z_stream stream{};
  constexpr int kGzipOrZlib = 15 + 32;
  CHECK(inflateInit2(&stream, kGzipOrZlib) == Z_OK);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  size_t done = 0;
  for (;;) {
    if (done == out->size()) {
      if (done > size_max) return TooLarge("gzip", done, size_max);
      out->resize(std::min(std::max(kFirstOutput, done * 2), size_max + 1));
    }
    stream.next_out = reinterpret_cast<Bytef*>(out->data() + done);
    stream.avail_out = static_cast<uInt>(out->size() - done);
    const int result = inflate(&stream, Z_NO_FLUSH);
    done = out->size() - stream.avail_out;
    if (done > size_max) return TooLarge("gzip", done, size_max);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return InvalidArgument("gzip: corrupt input");
      continue;
    }
    if (result != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) {
      return InvalidArgument("gzip: corrupt or truncated input");
    }
  }
  out->resize(done);
  return absl::OkStatus();
}

std::string GzipCompress(std::string_view in, int level) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  constexpr int kMemoryLevel = 8;
  CHECK(deflateInit2(&stream, level, Z_DEFLATED, kGzip, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
  std::string out(deflateBound(&stream, in.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  return out;
}

absl::Status ZstdDecompress(std::string_view in, size_t size_max, std::string* out) {
  out->clear();
  ZSTD_DCtx* const context = ThreadContext();
  const unsigned long long declared = ZSTD_getFrameContentSize(in.data(), in.size());
  if (declared == ZSTD_CONTENTSIZE_ERROR) return InvalidArgument("zstd: corrupt input");
  if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared > size_max) {
    return TooLarge("zstd", declared, size_max);
  }
  if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared <= kOneShotMax) {
    out->resize(declared);
    const size_t size =
        ZSTD_decompressDCtx(context, out->data(), out->size(), in.data(), in.size());
    if (ZSTD_isError(size) == 0) {
      out->resize(size);
      return absl::OkStatus();
    }
    // Several frames: only the first one's size was known. What is wrong is found below.
    out->clear();
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  }
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  size_t done = 0;
  size_t hint = 1;
  while (input.pos < input.size || hint != 0) {
    if (done == out->size()) {
      if (done > size_max) return TooLarge("zstd", done, size_max);
      out->resize(std::min(std::max(kFirstOutput, done * 2), size_max + 1));
    }
    ZSTD_outBuffer output{out->data(), out->size(), done};
    const size_t before = input.pos;
    hint = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(hint) != 0) return InvalidArgument("zstd: {}", ZSTD_getErrorName(hint));
    const bool stuck = input.pos == before && output.pos == done;
    done = output.pos;
    if (done > size_max) return TooLarge("zstd", done, size_max);
    if (stuck && hint != 0) return InvalidArgument("zstd: truncated input");
  }
  out->resize(done);
  return absl::OkStatus();
}

std::string ZstdCompress(std::string_view in, int level) {
  std::string out(ZSTD_compressBound(in.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), level);
  CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace hearth
