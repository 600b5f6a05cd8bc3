// The program's own log: one JSON object a line on standard error; constant message, typed fields.
// Threads: thread-safe. Prompts, replies and candidate bytes are never logged; they live in trajectories.
// Levels by operator action: error = the daemon is degraded, warning = an operator should act, info = rare
// life-cycle, debug = per attempt.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace passnet::log {

enum class Level { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view key;
  std::variant<std::string, int64_t, double, bool> value;
};

// Messages below `level` are dropped. Default: kInfo.
void SetLevel(Level level);
// "debug" | "info" | "warning" | "error"; false for anything else.
bool SetLevelByName(std::string_view name);

void Write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields = {});

inline void Debug(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kDebug, component, message, fields);
}
inline void Info(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, component, message, fields);
}
inline void Warning(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarning, component, message, fields);
}
inline void Err(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, component, message, fields);
}

}  // namespace passnet::log
