// SPDX-License-Identifier: Apache-2.0
#include "base/stream_compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <cstddef>

#include "base/check.h"

namespace hearth {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

class GzipStream : public StreamCompressor {
 public:
  explicit GzipStream(int level) {
    constexpr int kGzip = 15 + 16;
    constexpr int kMemoryLevel = 8;
    CHECK(deflateInit2(&stream_, level, Z_DEFLATED, kGzip, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
          Z_OK);
  }
  ~GzipStream() override { deflateEnd(&stream_); }

  void Add(std::string_view in, bool last, std::string* out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    char piece[kPieceBytes];
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = sizeof piece;
      deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      out->append(piece, sizeof piece - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
};

class ZstdStream : public StreamCompressor {
 public:
  explicit ZstdStream(int level) : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (context_ == nullptr) Fatal("out of memory: zstd context");
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
  }

  void Add(std::string_view in, bool last, std::string* out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    char piece[kPieceBytes];
    for (;;) {
      ZSTD_outBuffer output{piece, sizeof piece, 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &output, &input,
                                               last ? ZSTD_e_end : ZSTD_e_continue);
      CHECK(ZSTD_isError(left) == 0);
      out->append(piece, output.pos);
      if (last ? left == 0 : input.pos == input.size) return;
    }
  }

 private:
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
};

}  // namespace

std::unique_ptr<StreamCompressor> StreamCompressor::Gzip(int level) {
  return std::make_unique<GzipStream>(level);
}
std::unique_ptr<StreamCompressor> StreamCompressor::Zstd(int level) {
  return std::make_unique<ZstdStream>(level);
}

}  // namespace hearth
