#include "evaluator/timing/secret_stream.h"

#include <openssl/evp.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

namespace passnet::evaluator {

namespace {

constexpr size_t kBlock = 16;  // of AES

kernels::SecretKey FreshKey() {
  kernels::SecretKey key;
  FillRandom(&key, sizeof key);
  return key;
}

}  // namespace

struct SecretStream::State {
  kernels::SecretKey key;
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  std::vector<uint64_t> zeros = std::vector<uint64_t>(kMaxBytes / 8);
  std::vector<uint64_t> random = std::vector<uint64_t>(kMaxBytes / 8);
  ~State() { EVP_CIPHER_CTX_free(cipher); }
};

SecretStream::SecretStream() : SecretStream(FreshKey()) {}

SecretStream::SecretStream(const kernels::SecretKey& key) : state_(std::make_unique<State>()) {
  state_->key = key;
  CHECK(state_->cipher != nullptr);
  CHECK(EVP_EncryptInit_ex(state_->cipher, EVP_aes_128_ctr(), nullptr, key.key, key.counter) == 1);
}

SecretStream::~SecretStream() = default;

const uint8_t* SecretStream::Take(size_t bytes) {
  CHECK(bytes <= kMaxBytes);
  int made = 0;
  auto* out = reinterpret_cast<uint8_t*>(state_->random.data());
  const auto* zeros = reinterpret_cast<const uint8_t*>(state_->zeros.data());
  CHECK(EVP_EncryptUpdate(state_->cipher, out, &made, zeros, static_cast<int>(bytes)) == 1);
  position_ += bytes;
  return out;
}

void SecretStream::PassOver(uint64_t bytes) {
  const uint64_t position = position_ + bytes;
  kernels::SecretKey at = state_->key;
  uint64_t carried = position / kBlock;  // added to the counter, whose last byte is the lowest
  for (size_t i = kBlock; i-- > 0;) {
    carried += at.counter[i];
    at.counter[i] = static_cast<uint8_t>(carried);
    carried >>= 8;
  }
  CHECK(EVP_EncryptInit_ex(state_->cipher, nullptr, nullptr, nullptr, at.counter) == 1);
  Take(position % kBlock);
  position_ = position;
}

uint64_t SecretStream::Next() {
  uint64_t value;
  std::memcpy(&value, Take(sizeof value), sizeof value);
  return value;
}

uint64_t SecretStream::Below(uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
}

kernels::SecretKey DrawKey(SecretStream& random) {
  kernels::SecretKey key;
  std::memcpy(&key, random.Take(sizeof key), sizeof key);
  return key;
}

}  // namespace passnet::evaluator
