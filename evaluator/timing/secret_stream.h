// Randomness that a candidate cannot foresee: AES-128-CTR under a key from the kernel. What a candidate has seen of it
// does not tell what comes next.
// Threads: thread-compatible; each thread has its own. Owns: its cipher state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace passnet::evaluator {

class SecretStream {
 public:
  static constexpr size_t kMaxBytes = 1u << 18;

  SecretStream();
  ~SecretStream();
  SecretStream(const SecretStream&) = delete;
  SecretStream& operator=(const SecretStream&) = delete;

  // The next `bytes` (at most kMaxBytes), aligned for any integer, valid until the next call.
  const uint8_t* Take(size_t bytes);

  uint64_t Next();
  // Uniform in [0, bound), bound > 0.
  uint64_t Below(uint64_t bound);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace passnet::evaluator
