#include "evaluator/timing/fresh_bits.h"

#include <openssl/evp.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kBatch = 1 << 15;  // elements whose random bits are made at a time: stays in the L2 cache

// A float whose exponent field is zero (zero, denormal) or all ones (infinity, NaN) keeps its bytes: those values carry
// meaning (masks), and denormals would change the speed of the arithmetic.
template <typename Bits, int kMantissa, int kExponent>
void MixFloats(const Bits* base, const Bits* random, Bits* to, size_t count, int low_bits) {
  const Bits mask = static_cast<Bits>((Bits{1} << low_bits) - 1);
  const Bits exponent = static_cast<Bits>(((Bits{1} << kExponent) - 1) << kMantissa);
  for (size_t i = 0; i < count; ++i) {
    Bits field = base[i] & exponent;
    Bits change = (field == 0 || field == exponent) ? Bits{0} : mask;
    to[i] = static_cast<Bits>((base[i] & static_cast<Bits>(~change)) | (random[i] & change));
  }
}

template <typename Int>
void DrawInts(const uint32_t* random, Int* to, size_t count, int64_t low, int64_t high) {
  uint64_t span = static_cast<uint64_t>(high - low) + 1;
  for (size_t i = 0; i < count; ++i) {
    // Multiply-shift: the bias is below span / 2^32, without a division an element.
    to[i] = static_cast<Int>(low + static_cast<int64_t>((static_cast<unsigned __int128>(random[i]) * span) >> 32));
  }
}

}  // namespace

struct FreshBits::State {
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  std::vector<uint8_t> zeros = std::vector<uint8_t>(kBatch * 8);
  std::vector<uint8_t> random = std::vector<uint8_t>(kBatch * 8);
  ~State() { EVP_CIPHER_CTX_free(cipher); }
};

FreshBits::FreshBits() : state_(std::make_unique<State>()) {
  uint8_t secret[32];
  FillRandom(secret, sizeof secret);
  CHECK(state_->cipher != nullptr);
  CHECK(EVP_EncryptInit_ex(state_->cipher, EVP_aes_128_ctr(), nullptr, secret, secret + 16) == 1);
}
FreshBits::~FreshBits() = default;

const uint8_t* FreshBits::Random(size_t bytes) {
  int made = 0;
  CHECK(bytes <= state_->zeros.size());
  CHECK(EVP_EncryptUpdate(state_->cipher, state_->random.data(), &made, state_->zeros.data(),
                          static_cast<int>(bytes)) == 1);
  return state_->random.data();
}

uint64_t FreshBits::Next() {
  uint64_t value;
  std::memcpy(&value, Random(sizeof value), sizeof value);
  return value;
}

uint64_t FreshBits::Below(uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
}

void FreshBits::Fill(const FreshTensor& tensor, std::span<const std::byte> base, std::span<std::byte> to) {
  CHECK(base.size() == to.size());
  if (tensor.freshness == Freshness::kFixed || tensor.elements == 0) {
    std::memcpy(to.data(), base.data(), base.size());
    return;
  }
  size_t width = base.size() / tensor.elements;
  for (size_t begin = 0; begin < tensor.elements; begin += kBatch) {
    size_t count = std::min(kBatch, tensor.elements - begin);
    const std::byte* from = base.data() + begin * width;
    std::byte* out = to.data() + begin * width;
    if (tensor.freshness == Freshness::kRangedInt) {
      const auto* random = reinterpret_cast<const uint32_t*>(Random(count * 4));
      switch (width) {
        case 1: DrawInts(random, reinterpret_cast<int8_t*>(out), count, tensor.low, tensor.high); break;
        case 2: DrawInts(random, reinterpret_cast<int16_t*>(out), count, tensor.low, tensor.high); break;
        case 4: DrawInts(random, reinterpret_cast<int32_t*>(out), count, tensor.low, tensor.high); break;
        default: DrawInts(random, reinterpret_cast<int64_t*>(out), count, tensor.low, tensor.high); break;
      }
      continue;
    }
    const uint8_t* random = Random(count * width);
    if (tensor.dtype == "float32") {
      MixFloats<uint32_t, 23, 8>(reinterpret_cast<const uint32_t*>(from), reinterpret_cast<const uint32_t*>(random),
                                 reinterpret_cast<uint32_t*>(out), count, kFloat32Bits);
    } else if (tensor.dtype == "float64") {
      MixFloats<uint64_t, 52, 11>(reinterpret_cast<const uint64_t*>(from), reinterpret_cast<const uint64_t*>(random),
                                  reinterpret_cast<uint64_t*>(out), count, kFloat64Bits);
    } else if (tensor.dtype == "float16") {
      MixFloats<uint16_t, 10, 5>(reinterpret_cast<const uint16_t*>(from), reinterpret_cast<const uint16_t*>(random),
                                 reinterpret_cast<uint16_t*>(out), count, kFloat16Bits);
    } else {
      CHECK(tensor.dtype == "bfloat16");
      MixFloats<uint16_t, 7, 8>(reinterpret_cast<const uint16_t*>(from), reinterpret_cast<const uint16_t*>(random),
                                reinterpret_cast<uint16_t*>(out), count, kBFloat16Bits);
    }
  }
}

}  // namespace passnet::evaluator
