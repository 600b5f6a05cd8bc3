// SHA-256 (FIPS 180-4) through OpenSSL: content addresses, cache keys and the journal's hash chain.
// Threads: the functions are thread-safe; a Sha256 object is thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace passnet {

using Sha256Digest = std::array<uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& Update(std::string_view bytes);
  // As Update, with the length in front (u64, little endian), so that field borders cannot move.
  Sha256& UpdateField(std::string_view bytes);
  // Ends the computation; the object is then spent.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string ToHex(const uint8_t* bytes, size_t count);
std::string ToHex(const Sha256Digest& digest);

Sha256Digest Sha256Of(std::string_view bytes);

// 64 lower-case hex digits of the bytes' digest.
std::string Sha256Hex(std::string_view bytes);

}  // namespace passnet
