#include "trajectories/export/split.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"

namespace passnet::trajectories {
namespace {

constexpr const char* kExample = "; an example: --split train=0.9,validation=0.1";

// A part's name becomes part of a file's.
bool IsPartName(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<SplitPart> ParsePart(std::string_view text) {
  const size_t equals = text.find('=');
  SplitPart part{std::string(Trimmed(text.substr(0, equals))), 0};
  if (equals == std::string_view::npos || !IsPartName(part.name)) {
    return InvalidArgument("--split: '" + OneLine(text, 60) + "' is not name=share, a name of a-z, 0-9, - and _" +
                           kExample);
  }
  const std::string share(Trimmed(text.substr(equals + 1)));
  char* end = nullptr;
  part.share = std::strtod(share.c_str(), &end);
  const bool number = !share.empty() && *end == 0;
  if (!number || !(part.share > 0) || part.share > 1) {
    return InvalidArgument("--split: the share of " + part.name + " is '" + OneLine(share, 60) +
                           "', not a number above 0 and at most 1" + kExample);
  }
  return part;
}

// The marks of a task, what decides its part first: of known op sequences those, else its content, else its name.
std::vector<std::string> MarksOf(const StoredTask& task, const OpSequences& ops) {
  std::vector<std::string> marks;
  for (const std::string& hash : ops.hashes) marks.push_back("1 ops " + hash);
  if (!task.hash.empty()) marks.push_back("2 content " + task.hash);
  if (marks.empty()) marks.push_back("3 name " + task.name);
  return marks;
}

// Uniform in [0, 1) over marks.
double PlaceOf(const std::string& mark) {
  Sha256 sha;
  const Sha256Digest digest = sha.UpdateField("passnet split 1").UpdateField(mark).Finish();
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i) bits = bits << 8 | digest[i];
  return std::ldexp(static_cast<double>(bits >> 11), -53);
}

}  // namespace

Result<std::vector<SplitPart>> ParseSplit(std::string_view text) {
  std::vector<SplitPart> parts;
  std::set<std::string> names;
  double sum = 0;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    ASSIGN_OR_RETURN(SplitPart part, ParsePart(text.substr(begin, end - begin)));
    if (!names.insert(part.name).second) return InvalidArgument("--split: " + part.name + " stands there twice");
    sum += part.share;
    parts.push_back(std::move(part));
    begin = end + 1;
  }
  if (std::abs(sum - 1) > 1e-6) {
    return InvalidArgument("--split: the shares add up to " + std::to_string(sum) + ", not to 1" + kExample);
  }
  return parts;
}

// The first mark of the group, in the order of texts: an op sequence where the group has one, so that the files of one
// more task do not move the others.
const std::string& SplitPlan::GroupOf(const std::string& mark) {
  auto at = group_.emplace(mark, mark).first;
  while (at->second != at->first) {
    auto above = group_.find(at->second);
    at->second = above->second;
    at = above;
  }
  return at->first;
}

void SplitPlan::Add(const StoredTask& task, const OpSequences& ops) {
  const std::vector<std::string> marks = MarksOf(task, ops);
  for (const std::string& mark : marks) {
    const std::string one = GroupOf(marks.front());
    const std::string other = GroupOf(mark);
    group_[std::max(one, other)] = std::min(one, other);
  }
}

size_t SplitPlan::PartOf(const StoredTask& task, const OpSequences& ops) {
  if (parts_.empty()) return 0;
  const double place = PlaceOf(GroupOf(MarksOf(task, ops).front()));
  double upto = 0;
  for (size_t i = 0; i + 1 < parts_.size(); ++i) {
    upto += parts_[i].share;
    if (place < upto) return i;
  }
  return parts_.size() - 1;
}

}  // namespace passnet::trajectories
