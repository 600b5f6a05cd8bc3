#include "agent/loop/reply_parser.h"

#include <algorithm>

#include "base/json.h"
#include "evaluator/api/pass_dir.h"

namespace passnet::agent {
namespace {

using evaluator::CandidateFile;
using evaluator::kRuleListName;
using evaluator::ShownFileName;

constexpr std::string_view kMarker = "#### FILE:";

// Without blanks and the signs with which models set a file's name as code or in bold.
std::string_view WithoutMarkup(std::string_view text) {
  constexpr std::string_view kSigns = " \t\r`*";
  size_t from = text.find_first_not_of(kSigns);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSigns) - from + 1);
}

// The number of fence characters at the line's start; 0 when it opens no fence.
size_t FenceLength(std::string_view line) {
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return 0;
  size_t count = std::min(line.find_first_not_of(line[0]), line.size());
  return count >= 3 ? count : 0;
}

bool ClosesFence(std::string_view line, char sign, size_t length) {
  size_t end = line.find_last_not_of(" \t\r");
  if (end == std::string_view::npos || end + 1 < length) return false;
  return line.substr(0, end + 1).find_first_not_of(sign) == std::string_view::npos;
}

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool Next(std::string_view* line) {
    if (rest_.empty()) return false;
    size_t end = rest_.find('\n');
    *line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return true;
  }

 private:
  std::string_view rest_;
};

// The block after a marker line; false with `problem` set.
bool ReadBlock(Lines* lines, const std::string& name, std::string* bytes, std::string* problem) {
  std::string_view line;
  size_t fence = 0;
  while (fence == 0) {
    if (!lines->Next(&line) || (!WithoutMarkup(line).empty() && FenceLength(line) == 0)) {
      *problem = "file " + ShownFileName(name) + ": no fenced code block follows its line";
      return false;
    }
    fence = FenceLength(line);
  }
  char sign = line[0];
  while (lines->Next(&line)) {
    if (ClosesFence(line, sign, fence)) return true;
    if (line.ends_with('\r')) line.remove_suffix(1);
    bytes->append(line).push_back('\n');
  }
  *problem = "file " + ShownFileName(name) + ": its code block is not closed";
  return false;
}

const CandidateFile* Find(const std::vector<CandidateFile>& files, std::string_view name) {
  auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string ProblemOfFolder(const std::vector<CandidateFile>& files) {
  if (files.empty()) return "there is no line \"#### FILE: <name>\" in it";
  const CandidateFile* rules = Find(files, kRuleListName);
  if (rules == nullptr) return "the file " + std::string(kRuleListName) + " is missing";
  auto names = ParseJson(rules->bytes);
  if (!names || names.value().Items().empty()) return std::string(kRuleListName) + " is no JSON array of pass names";
  for (const Json& name : names.value().Items()) {
    if (!name.is_text()) return std::string(kRuleListName) + " holds something that is no text";
    std::string file = name.Text() + ".py";
    if (Find(files, file) == nullptr) {
      return std::string(kRuleListName) + " names a pass without its file " + ShownFileName(file);
    }
  }
  return {};
}

// Thoughts that some servers leave in the content may hold drafts of files.
std::string_view AfterThoughts(std::string_view reply) {
  size_t end = reply.rfind("</think>");
  return end == std::string_view::npos ? reply : reply.substr(end + 8);
}

ParsedReply Problem(std::string text) { return {{}, std::move(text)}; }

}  // namespace

ParsedReply ParseReply(std::string_view reply, const prompts::ReplyLimits& limits) {
  ParsedReply parsed;
  Lines lines(AfterThoughts(reply));
  size_t total = 0;
  for (std::string_view line; lines.Next(&line);) {
    if (!line.starts_with(kMarker)) {
      // A block that is no file's is text for the model alone; a marker inside it means nothing.
      size_t fence = FenceLength(line);
      for (char sign = line.empty() ? ' ' : line[0]; fence > 0 && lines.Next(&line);) {
        if (ClosesFence(line, sign, fence)) break;
      }
      continue;
    }
    CandidateFile file;
    file.name = WithoutMarkup(line.substr(kMarker.size()));
    if (auto named = evaluator::CheckPassFileName(file.name); !named) return Problem(named.error().context);
    const std::string shown = ShownFileName(file.name);
    if (Find(parsed.files, file.name) != nullptr) return Problem("file " + shown + " is there twice");
    if (parsed.files.size() == limits.max_files) {
      return Problem("it has more than " + std::to_string(limits.max_files) + " files");
    }
    std::string problem;
    if (!ReadBlock(&lines, file.name, &file.bytes, &problem)) return Problem(problem);
    if (file.bytes.find('\0') != std::string::npos) return Problem("file " + shown + " holds a NUL byte");
    total += file.bytes.size();
    if (total > limits.max_total_bytes) {
      return Problem("its files are larger than " + std::to_string(limits.max_total_bytes) + " bytes together");
    }
    parsed.files.push_back(std::move(file));
  }
  if (std::string problem = ProblemOfFolder(parsed.files); !problem.empty()) return Problem(problem);
  return parsed;
}

}  // namespace passnet::agent
