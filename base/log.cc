#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/json.h"

namespace passnet::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};

const char* Name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarning: return "warning";
    case Level::kError: return "error";
  }
  return "error";
}

}  // namespace

void SetLevel(Level level) { g_level = level; }

bool SetLevelByName(std::string_view name) {
  for (Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (name == Name(level)) {
      SetLevel(level);
      return true;
    }
  }
  return false;
}

void Write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  Json line = {{"at", FormatUtc(Clock::System().UtcMicros())},
               {"level", Name(level)},
               {"component", component},
               {"message", message}};
  for (const Field& field : fields) {
    std::visit([&](const auto& value) { line.Set(field.key, value); }, field.value);
  }
  std::string text = line.Dump();
  text.push_back('\n');
  // One write(2) a line, so that lines of threads and processes do not mix; a full stderr is not our failure.
  [[maybe_unused]] ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace passnet::log
