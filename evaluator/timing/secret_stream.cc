#include "evaluator/timing/secret_stream.h"

#include <openssl/evp.h>

#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

namespace passnet::evaluator {

struct SecretStream::State {
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  std::vector<uint64_t> zeros = std::vector<uint64_t>(kMaxBytes / 8);
  std::vector<uint64_t> random = std::vector<uint64_t>(kMaxBytes / 8);
  ~State() { EVP_CIPHER_CTX_free(cipher); }
};

SecretStream::SecretStream() : state_(std::make_unique<State>()) {
  uint8_t secret[32];
  FillRandom(secret, sizeof secret);
  CHECK(state_->cipher != nullptr);
  CHECK(EVP_EncryptInit_ex(state_->cipher, EVP_aes_128_ctr(), nullptr, secret, secret + 16) == 1);
}
SecretStream::~SecretStream() = default;

const uint8_t* SecretStream::Take(size_t bytes) {
  CHECK(bytes <= kMaxBytes);
  int made = 0;
  auto* out = reinterpret_cast<uint8_t*>(state_->random.data());
  const auto* zeros = reinterpret_cast<const uint8_t*>(state_->zeros.data());
  CHECK(EVP_EncryptUpdate(state_->cipher, out, &made, zeros, static_cast<int>(bytes)) == 1);
  return out;
}

uint64_t SecretStream::Next() {
  uint64_t value;
  std::memcpy(&value, Take(sizeof value), sizeof value);
  return value;
}

uint64_t SecretStream::Below(uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
}

}  // namespace passnet::evaluator
