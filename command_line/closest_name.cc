#include "command_line/closest_name.h"

#include <algorithm>

namespace passnet::command_line {
namespace {

// Source: optimal string alignment distance (Damerau and Levenshtein, each pair of letters swapped at most once).
size_t Slips(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> slips(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        slips[i][j] = i + j;
        continue;
      }
      size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      slips[i][j] = std::min({slips[i - 1][j] + 1, slips[i][j - 1] + 1, slips[i - 1][j - 1] + wrong});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) slips[i][j] = std::min(slips[i][j], slips[i - 2][j - 2] + 1);
    }
  }
  return slips[a.size()][b.size()];
}

}  // namespace

std::string_view ClosestName(std::string_view written, const std::vector<std::string_view>& names) {
  constexpr size_t kLongestLookedAt = 64;  // chosen: above any name; what is longer is no slip
  if (written.empty() || written.size() > kLongestLookedAt) return "";
  std::string_view closest;
  size_t fewest = 0;
  for (std::string_view name : names) {
    if (written.size() > 1 && name.starts_with(written)) return name;
    size_t slips = Slips(written, name);
    if (slips * 3 > std::max(written.size(), name.size())) continue;
    if (closest.empty() || slips < fewest) {
      closest = name;
      fewest = slips;
    }
  }
  return closest;
}

}  // namespace passnet::command_line
