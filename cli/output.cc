#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "command_line/exit_code.h"

namespace passnet::cli {
namespace {

constexpr std::string_view kBetween = "  ";
constexpr size_t kProgressColumns = 79;  // chosen: what wraps is not cleared, and no terminal is narrower
constexpr size_t kMaxProgressBytes = 4096;

// Code points, not bytes: "µs" is two columns wide.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A number, with a unit of one word at most or its uncertainty: "12", "1.73x", "12.3 µs", "1.31 ±0.02", "-".
bool IsNumberLike(const std::string& cell) {
  if (cell == "-") return true;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  std::string_view unit = end;
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  return end != cell.c_str() && (unit.size() <= 3 || unit.starts_with("±"));
}

// Takes columns from the widest until the table fits.
void Narrow(std::vector<size_t>* widths, size_t columns) {
  size_t total = kBetween.size() * (widths->size() - 1);
  for (size_t width : *widths) total += width;
  while (total > columns) {
    auto widest = std::max_element(widths->begin(), widths->end());
    if (*widest == 1) return;
    --*widest;
    --total;
  }
}

// The bytes of at most `columns` characters.
size_t FrontBytes(std::string_view text, size_t columns) {
  size_t end = 0;
  while (end < text.size() && (columns > 0 || (text[end] & 0xC0) == 0x80)) {
    if ((text[end] & 0xC0) != 0x80) --columns;
    ++end;
  }
  return end;
}

// The lines of a cell, broken behind a space or a comma, and inside a word only where it is wider than a line.
std::vector<std::string> Wrapped(std::string_view cell, size_t width) {
  std::vector<std::string> lines(1);
  while (!cell.empty()) {
    std::string_view word = cell.substr(0, cell.find_first_of(" ,"));
    if (word.size() < cell.size()) word = cell.substr(0, word.size() + 1);
    const std::string_view seen = word.ends_with(' ') ? word.substr(0, word.size() - 1) : word;
    if (Width(lines.back()) + Width(seen) > width) {
      if (!lines.back().empty()) lines.emplace_back();
      word = word.substr(0, std::max(FrontBytes(word, width), size_t{1}));
    }
    lines.back() += word;
    cell.remove_prefix(word.size());
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

}  // namespace

int Fail(const Error& error) {
  int code = command_line::Fail("passnet", error);
  // A name that is taken (a folder for output) is the user's to change.
  return error.code == ErrorCode::kAlreadyExists ? command_line::kExitUsage : code;
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  return widths;
}

bool Table::ToTheRight(size_t row, size_t column) const {
  const bool heads = row == 0 && rows_.size() > 1 && column < rows_[1].size();
  return IsNumberLike(rows_[heads ? 1 : row][column]);
}

std::string Table::Text(size_t columns) const {
  std::vector<size_t> widths = Widths();
  if (columns > 0) Narrow(&widths, columns);
  std::string text;
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::vector<std::vector<std::string>> cells;
    size_t height = 1;
    for (size_t i = 0; i < rows_[r].size() && i < widths.size(); ++i) {
      cells.push_back(Wrapped(rows_[r][i], widths[i]));
      height = std::max(height, cells.back().size());
    }
    for (size_t h = 0; h < height; ++h) {
      std::string line;
      for (size_t i = 0; i < cells.size(); ++i) {
        std::string part = h < cells[i].size() ? cells[i][h] : "";
        std::string pad(widths[i] - Width(part), ' ');
        if (i > 0) line += kBetween;
        line += ToTheRight(r, i) ? pad + part : part + pad;
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
  }
  return text;
}

Progress::Progress(std::string title) : title_(std::move(title)), terminal_(::isatty(STDERR_FILENO) != 0) {}

std::string ProgressLine(std::string_view title, std::string_view what, int done, int total) {
  const std::string begin = std::string(title) + "  " + std::to_string(done) + "/" + std::to_string(total) + "  ";
  std::string text = OneLine(what, kMaxProgressBytes);
  const size_t room = kProgressColumns - std::min(kProgressColumns - 1, Width(begin));
  // The end of a path tells more than its beginning.
  if (Width(text) > room) text = "…" + text.substr(FrontBytes(text, Width(text) - room + 1));
  return begin + text;
}

void Progress::Show(std::string_view what, int done, int total) {
  if (!terminal_) return;
  std::fprintf(stderr, "\r\033[K%s", ProgressLine(title_, what, done, total).c_str());
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


}  // namespace passnet::cli
