#include "trajectories/blob_codec.h"

#include <zstd.h>

#include <memory>

#include "base/check.h"

namespace passnet::trajectories {
namespace {

// zstd's default: a prompt of 20 KiB takes 0.1 ms and shrinks to a quarter; higher levels gain a few percent.
constexpr int kLevel = 3;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Making a context takes longer than what most blobs need: each thread keeps its own.
ZSTD_CCtx* Compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  CHECK(context != nullptr);
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  return context.get();
}

}  // namespace

Result<std::string> CompressBlob(std::string_view plain) {
  std::string frame(ZSTD_compressBound(plain.size()), '\0');
  size_t size = ZSTD_compressCCtx(Compressor(), frame.data(), frame.size(), plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(size)) return Internal(std::string("zstd: ") + ZSTD_getErrorName(size));
  frame.resize(size);
  frame.shrink_to_fit();
  return frame;
}

Result<std::string> DecompressBlob(std::string_view frame, size_t plain_bytes) {
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != plain_bytes) {
    return DataCorrupt("blob: its zstd frame does not hold the " + std::to_string(plain_bytes) + " bytes promised");
  }
  std::string plain(plain_bytes, '\0');
  size_t size = ZSTD_decompressDCtx(Decompressor(), plain.data(), plain.size(), frame.data(), frame.size());
  if (ZSTD_isError(size)) return DataCorrupt(std::string("blob: zstd: ") + ZSTD_getErrorName(size));
  if (size != plain_bytes) return DataCorrupt("blob: its zstd frame ends early");
  return plain;
}

}  // namespace passnet::trajectories
