// Randomness that a candidate cannot foresee: AES-128-CTR under a key from the kernel. What a candidate has seen of it
// does not tell what comes next. Where a device draws from it, the device makes any part of it by its position
// (evaluator/device/kernels/secret_bytes.h), and this one keeps count.
// Threads: thread-compatible; each thread has its own. Owns: its cipher state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "evaluator/device/kernels/words.h"

namespace passnet::evaluator {

class SecretStream {
 public:
  static constexpr size_t kMaxBytes = 1u << 18;

  SecretStream();
  // The stream of this key, from its beginning.
  explicit SecretStream(const kernels::SecretKey& key);
  ~SecretStream();
  SecretStream(const SecretStream&) = delete;
  SecretStream& operator=(const SecretStream&) = delete;

  // The next `bytes` (at most kMaxBytes), aligned for any integer, valid until the next call.
  const uint8_t* Take(size_t bytes);

  // How many bytes were taken or passed over.
  uint64_t Position() const { return position_; }
  void PassOver(uint64_t bytes);

  uint64_t Next();
  // Uniform in [0, bound), bound > 0.
  uint64_t Below(uint64_t bound);

 private:
  struct State;
  std::unique_ptr<State> state_;
  uint64_t position_ = 0;
};

// A key for a stream of its own, drawn from another.
kernels::SecretKey DrawKey(SecretStream& random);

}  // namespace passnet::evaluator
