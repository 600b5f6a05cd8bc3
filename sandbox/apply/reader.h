// Reads a plan's payload in place, never beyond its end. After the first short read every read gives zeros and ok() is
// false, so that a step checks once.
// Threads: thread-compatible. Borrows: the bytes. libc only.
#pragma once

#include <stdint.h>
#include <string.h>

namespace passnet::sandbox {

class Reader {
 public:
  Reader(const void* bytes, size_t size) : next_(static_cast<const uint8_t*>(bytes)), left_(size) {}

  bool ok() const { return ok_; }
  size_t left() const { return left_; }

  uint32_t U32() { return Number<uint32_t>(); }
  uint64_t U64() { return Number<uint64_t>(); }

  // NUL-terminated inside the plan; the NUL is checked. Never null.
  const char* String() {
    uint32_t size = 0;
    const void* bytes = Bytes(&size);
    return ok_ && strnlen(static_cast<const char*>(bytes), size + 1u) == size ? static_cast<const char*>(bytes)
                                                                              : (ok_ = false, "");
  }

  // A string that may hold NULs.
  const void* Bytes(uint32_t* size) {
    *size = U32();
    const void* at = Take(static_cast<size_t>(*size) + 1);
    if (!ok_) *size = 0;
    return ok_ && static_cast<const char*>(at)[*size] == '\0' ? at : (ok_ = false, *size = 0, "");
  }

  const void* Take(size_t size) {
    if (!ok_ || size > left_) {
      ok_ = false;
      return "";
    }
    const void* at = next_;
    next_ += size;
    left_ -= size;
    return at;
  }

 private:
  template <typename T>
  T Number() {
    T value = 0;
    const void* at = Take(sizeof value);
    if (ok_) memcpy(&value, at, sizeof value);
    return value;
  }

  const uint8_t* next_;
  size_t left_;
  bool ok_ = true;
};

}  // namespace passnet::sandbox
