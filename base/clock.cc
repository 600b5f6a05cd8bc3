#include "base/clock.h"

#include <climits>
#include <cstdio>
#include <ctime>

namespace passnet {
namespace {

class RealClock : public Clock {
 public:
  SteadyTime Now() const override { return std::chrono::steady_clock::now(); }
  int64_t UtcMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

const Clock& Clock::System() {
  static const RealClock clock;
  return clock;
}

std::string FormatUtc(int64_t utc_micros) {
  std::time_t seconds = utc_micros / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(utc_micros % 1'000'000));
  return text;
}

int Deadline::PollMillis(const Clock& clock) const {
  if (at_ == SteadyTime::max()) return -1;
  auto left = std::chrono::ceil<Millis>(at_ - clock.Now()).count();
  if (left <= 0) return 0;
  return left > INT_MAX ? INT_MAX : static_cast<int>(left);
}

}  // namespace passnet
