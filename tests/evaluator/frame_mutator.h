// Frames of strangers, made from real ones: bytes, JSON values, lengths and order are changed as an attacker or an accident
// would. The same seed gives the same frames.
// Threads: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace passnet::fakes {

class FrameMutator {
 public:
  explicit FrameMutator(uint64_t seed) : state_(seed) {}

  // Below `count`, which is not 0.
  size_t Below(size_t count);
  bool OneIn(size_t count) { return Below(count) == 0; }

  // One to three changes; `others` lend their pieces. At most `kMaxBytes`.
  static constexpr size_t kMaxBytes = 48 << 10;
  std::string Text(std::string text, const std::vector<std::string>& others);

  // A length before `text`: mostly its own.
  std::string Framed(const std::string& text);

  // Drops, repeats and swaps.
  template <typename T>
  void Shuffle(std::vector<T>* items) {
    if (items->empty()) return;
    const size_t i = Below(items->size()), j = Below(items->size());
    switch (Below(4)) {
      case 0: items->erase(items->begin() + static_cast<long>(i)); break;
      case 1: items->insert(items->begin() + static_cast<long>(j), T((*items)[i])); break;
      default: std::swap((*items)[i], (*items)[j]); break;
    }
  }

 private:
  uint64_t Next();
  std::string Bytes(std::string text, const std::vector<std::string>& others);
  std::string Values(const std::string& text);
  std::string Numbers(std::string text);
  std::string Names(std::string text);
  Json OddValue();
  Json Changed(const Json& value);
  Json ChangedList(const Json& list);
  Json ChangedObject(const Json& object);

  uint64_t state_;
};

}  // namespace passnet::fakes
