// How verbs speak: errors with the next step on standard error, aligned tables, one JSON line last on standard output.
// Threads: main thread only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::cli {

// Prints "passnet: <text>" to standard error and gives the exit code of the contract: bad input 2, anything else 3.
int Fail(const Error& error);

inline constexpr size_t kScreenColumns = 120;  // chosen: a wide terminal, and the width of our sources

// Columns padded to their widest cell, two spaces between; numbers (cells that parse as such) to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // With `columns`, no line is wider: the widest columns give way, and what does not fit into a cell goes on below it.
  std::string Text(size_t columns = 0) const;

 private:
  std::vector<size_t> Widths() const;
  // A heading stands on the side of its column's first value.
  bool ToTheRight(size_t row, size_t column) const;
  std::vector<std::vector<std::string>> rows_;
};

// "eval  3/6  …/float32_0/rope": one line of a terminal, whatever its width.
std::string ProgressLine(std::string_view title, std::string_view what, int done, int total);

// A progress line on a terminal ("eval  3/6  compile …"), nothing elsewhere. Cleared by Done().
class Progress {
 public:
  explicit Progress(std::string title);
  ~Progress() { Done(); }
  void Show(std::string_view what, int done, int total);
  void Done();

 private:
  std::string title_;
  bool terminal_;
  bool shown_ = false;
};

// "12.3 µs", "4.56 ms", "-" when absent.
std::string ShowMicros(const double* micros);

}  // namespace passnet::cli
