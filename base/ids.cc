#include "base/ids.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace passnet {

void FillRandom(void* bytes, size_t count) {
  auto* at = static_cast<uint8_t*>(bytes);
  while (count > 0) {
    ssize_t got = ::getrandom(at, count, 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0);
    at += got;
    count -= static_cast<size_t>(got);
  }
}

std::string NewId(std::string_view prefix) {
  static const char kDigits[] = "abcdefghijklmnopqrstuvwxyz234567";
  uint8_t bytes[20];
  FillRandom(bytes, sizeof bytes);
  std::string id(prefix);
  id.push_back('-');
  for (uint8_t byte : bytes) id.push_back(kDigits[byte & 31]);
  return id;
}

}  // namespace passnet
