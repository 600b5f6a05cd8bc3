#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "command_line/exit_code.h"

namespace passnet::cli {
namespace {

// Code points, not bytes: "µs" is two columns wide.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A number, with a unit of one word at most: "12", "1.73x", "12.3 µs", "-".
bool IsNumberLike(const std::string& cell) {
  if (cell == "-") return true;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  std::string_view unit = end;
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  return end != cell.c_str() && unit.size() <= 3;
}

}  // namespace

int Fail(const Error& error) {
  int code = command_line::Fail("passnet", error);
  // A name that is taken (a folder for output) is the user's to change.
  return error.code == ErrorCode::kAlreadyExists ? command_line::kExitUsage : code;
}

std::string Table::Text() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t i = 0; i < rows_[r].size() && i < widths.size(); ++i) {
      const std::string& cell = rows_[r][i];
      std::string pad(widths[i] - Width(cell), ' ');
      // A heading stands on the side of its column's first value.
      bool right = IsNumberLike(r == 0 && rows_.size() > 1 && i < rows_[1].size() ? rows_[1][i] : cell);
      if (i > 0) line += "  ";
      line += right ? pad + cell : cell + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

Progress::Progress(std::string title) : title_(std::move(title)), terminal_(::isatty(STDERR_FILENO) != 0) {}

void Progress::Show(std::string_view what, int done, int total) {
  if (!terminal_) return;
  std::fprintf(stderr, "\r\033[K%s  %d/%d  %.*s", title_.c_str(), done, total, static_cast<int>(what.size()),
               what.data());
  shown_ = true;
}

void Progress::Done() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
  shown_ = false;
}

std::string ShowMicros(const double* micros) {
  if (micros == nullptr) return "-";
  char text[32];
  if (*micros < 1000) {
    std::snprintf(text, sizeof text, "%.1f µs", *micros);
  } else {
    std::snprintf(text, sizeof text, "%.2f ms", *micros / 1000);
  }
  return text;
}

std::string ShowFactor(const double* factor) {
  if (factor == nullptr) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2fx", *factor);
  return text;
}

}  // namespace passnet::cli
