#include "passbench/validation_log.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace passnet::passbench {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t i = 0; i < text.size();) {
    while (i < text.size() && IsSpace(text[i])) ++i;
    size_t begin = i;
    while (i < text.size() && !IsSpace(text[i])) ++i;
    if (i > begin) words.emplace_back(text.substr(begin, i - begin));
  }
  return words;
}

// Python's text mode takes "\n", "\r\n" and a lone "\r" (progress bars) for line ends.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return lines;
}

// Python's float(): decimal, "nan", "inf"; no hexadecimal, nothing left over.
std::optional<double> PythonFloat(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  std::string copy(text);
  if (copy.empty() || copy.find_first_of("xX(") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

struct KeyAndValue {
  std::string key;
  std::string_view value;
};

// First match of "TAG[key]: value" with a key of word characters and a value that is not empty.
std::optional<KeyAndValue> FindTagged(std::string_view line, std::string_view tag) {
  for (size_t at = line.find(tag); at != std::string_view::npos; at = line.find(tag, at + 1)) {
    std::string_view rest = line.substr(at + tag.size());
    if (!rest.starts_with('[')) continue;
    size_t end = 1;
    while (end < rest.size() && IsWord(rest[end])) ++end;
    if (end > 1 && rest.substr(end).starts_with("]: ") && rest.size() > end + 3) {
      return KeyAndValue{std::string(rest.substr(1, end - 1)), rest.substr(end + 3)};
    }
  }
  return std::nullopt;
}

// First match of "[Correctness][anything]: value"; the key reaches to the last "]: ", as a greedy pattern does.
std::optional<KeyAndValue> FindCorrectness(std::string_view line) {
  constexpr std::string_view kTag = "[Correctness]";
  for (size_t at = line.find(kTag); at != std::string_view::npos; at = line.find(kTag, at + 1)) {
    std::string_view rest = line.substr(at + kTag.size());
    if (!rest.starts_with('[') || rest.size() < 5) continue;
    size_t end = rest.rfind("]: ", rest.size() - 4);
    if (end != std::string_view::npos && end >= 2) {
      return KeyAndValue{std::string(rest.substr(0, end + 1)), rest.substr(end + 3)};
    }
  }
  return std::nullopt;
}

// "[Config] key: value", whose line upstream looks at no further.
bool IsConfig(std::string_view line) {
  constexpr std::string_view kTag = "[Config] ";
  for (size_t at = line.find(kTag); at != std::string_view::npos; at = line.find(kTag, at + 1)) {
    std::string_view rest = line.substr(at + kTag.size());
    std::string_view key = rest.substr(0, std::find_if(rest.begin(), rest.end(), IsSpace) - rest.begin());
    if (key.size() > 1 && key.ends_with(':') && rest.size() > key.size() + 1 && rest[key.size()] == ' ') return true;
  }
  return false;
}

// What the lines of a block say about how the graph ended.
class StatusMarks {
 public:
  // The order of the tests is upstream's: a line counts for the first mark that it bears.
  void See(std::string_view line) {
    if (Contains(line, "Exception:") || Contains(line, "Error:")) error_ = true;
    if (Contains(line, "[Datatype][eager]")) {
      eager_ = true;
    } else if (Contains(line, "[Datatype][compiled]")) {
      compiled_ = true;
    } else if (Contains(line, "[Shape]") && Contains(line, "match:True")) {
      shape_ = true;
    } else if (Contains(line, "[DataType]") && Contains(line, "match:True")) {
      type_ = true;
    } else if (Contains(line, "all_close")) {
      eager_ = compiled_ = shape_ = true;
    } else if (Contains(line, "No passes modified")) {
      miss_ = true;
    }
  }

  GraphStatus status() const {
    if (!eager_) return GraphStatus::kEagerFail;
    if (!compiled_) return GraphStatus::kCompileFail;
    if (!shape_) return GraphStatus::kShapeMismatch;
    if (!type_) return GraphStatus::kTypeMismatch;
    if (error_) return GraphStatus::kRuntimeFail;
    return miss_ ? GraphStatus::kPassMiss : GraphStatus::kCorrect;
  }

 private:
  bool eager_ = false;
  bool compiled_ = false;
  bool shape_ = false;
  bool type_ = false;
  bool error_ = false;
  bool miss_ = false;
};

Error Malformed(int line, std::string_view text, std::string_view expected) {
  return InvalidArgument("line " + std::to_string(line) + ": \"" + std::string(text.substr(0, 120)) + "\": " +
                         std::string(expected) + " is expected (upstream's parser dies here too)");
}

Status ReadFigures(std::string_view line, int number, LogSample& sample) {
  if (Contains(line, "[Processing] ") && !line.ends_with("[Processing] ")) {
    auto words = Words(line);
    sample.model_path = words.back();
    return OkStatus();
  }
  if (IsConfig(line) || FindTagged(line, "[Performance]")) return OkStatus();
  if (auto found = FindTagged(line, "[Datatype]")) {
    if (found->key == "eager") sample.eager_dtypes = Words(found->value);
    return OkStatus();
  }
  if (auto found = FindCorrectness(line)) {
    std::vector<bool> verdicts;
    for (const std::string& word : Words(found->value)) {
      auto value = PythonFloat(word);
      if (!value) return Malformed(number, line, "a number for each output");
      verdicts.push_back(*value != 0);
    }
    sample.correctness[found->key] = std::move(verdicts);
    return OkStatus();
  }
  if (auto found = FindTagged(line, "[Speedup]")) {
    auto value = PythonFloat(found->value);
    if (!value) return Malformed(number, line, "one number");
    sample.speedups[found->key] = *value;
  }
  return OkStatus();
}

bool CorrectAtLevel(const LogSample& sample, size_t outputs, int t) {
  for (size_t i = 0; i < outputs; ++i) {
    auto found = sample.correctness.find(CorrectnessKey(sample.eager_dtypes[i], t));
    if (found == sample.correctness.end() || found->second.size() <= i || !found->second[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<double> LogSample::SpeedupE2e() const {
  auto found = speedups.find("e2e");
  if (found == speedups.end()) return std::nullopt;
  return found->second;
}

Result<std::vector<LogSample>> ParseValidationLog(std::string_view text) {
  std::vector<LogSample> samples;
  StatusMarks marks;
  int number = 0;
  for (std::string_view line : Lines(text)) {
    ++number;
    if (Contains(line, "[Processing]")) {
      samples.emplace_back().line = number;
      marks = StatusMarks();
    }
    if (samples.empty()) continue;
    RETURN_IF_ERROR(ReadFigures(line, number, samples.back()));
    marks.See(line);
    samples.back().status = marks.status();
  }
  return samples;
}

Result<GraphResult> ToGraphResult(const LogSample& sample) {
  GraphResult result{sample.status, ToleranceSet(), sample.SpeedupE2e()};
  if (sample.status != GraphStatus::kCorrect) return result;
  auto equal = sample.correctness.find("[equal]");
  const size_t outputs = equal == sample.correctness.end() ? 0 : equal->second.size();
  if (sample.eager_dtypes.size() < outputs) {
    return InvalidArgument("line " + std::to_string(sample.line) + ": this graph has " + std::to_string(outputs) +
                           " compared outputs but " + std::to_string(sample.eager_dtypes.size()) +
                           " types in [Datatype][eager]; one for each is expected (upstream's scorer dies here too)");
  }
  for (int t = kMinT; t <= kMaxT; ++t) {
    if (CorrectAtLevel(sample, outputs, t)) result.correct_at.Add(t);
  }
  return result;
}

}  // namespace passnet::passbench
