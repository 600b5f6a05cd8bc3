#include "agent/loop/reply_parser.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/json.h"
#include "evaluator/api/pass_dir.h"

namespace passnet::agent {
namespace {

using evaluator::CandidateFile;
using evaluator::kRuleListName;
using evaluator::ShownFileName;

constexpr std::string_view kMarker = "#### FILE:";
constexpr std::string_view kFolder = "pass_dir/";
constexpr size_t kMaxFenceIndent = 3;  // CommonMark 0.31, section 4.5

// Without blanks and the signs with which models set a file's name as code or in bold.
std::string_view WithoutMarkup(std::string_view text, std::string_view signs = " \t\r`*") {
  size_t from = text.find_first_not_of(signs);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(signs) - from + 1);
}

struct Fence {
  char sign = '`';
  size_t length = 0;
  size_t indent = 0;
  std::string_view info;  // what stands behind it
};

std::optional<Fence> FenceOf(std::string_view line) {
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(indent);
  if (indent > kMaxFenceIndent || line.empty() || (line[0] != '`' && line[0] != '~')) return std::nullopt;
  const size_t length = std::min(line.find_first_not_of(line[0]), line.size());
  if (length < 3) return std::nullopt;
  return Fence{line[0], length, indent, WithoutMarkup(line.substr(length), " \t\r")};
}

bool Closes(std::string_view line, const Fence& fence) {
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > std::max(fence.indent, kMaxFenceIndent)) return false;
  line = WithoutMarkup(line, " \t\r");
  return line.size() >= fence.length && line.find_first_not_of(fence.sign) == std::string_view::npos;
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// "FILE: a.cc", "File name: a.cc", in any case: what stands behind the colon.
std::optional<std::string_view> AfterKeyword(std::string_view text) {
  std::string lower(text.substr(0, 16));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (std::string_view keyword : {"filename", "file name", "file"}) {
    if (!lower.starts_with(keyword)) continue;
    const std::string_view rest = text.substr(keyword.size());
    const size_t colon = rest.find_first_not_of(" *`");
    if (colon != std::string_view::npos && rest[colon] == ':') return rest.substr(colon + 1);
  }
  return std::nullopt;
}

// A fenced block, and what may name it.
struct Block {
  std::string_view above;  // the line over it, with nothing but blank lines in between; empty: none
  Fence fence;
  size_t begin = 0, end = 0;  // its lines
  bool closed = false;
};

// How sure a block's name is: a marker stands there to name a file; a hint may be there to show a piece of one.
struct BlockName {
  bool marker = false;
  std::string name;
  std::string other;  // the fence names another file than the line above
};

// What is left of a line without heading, list and code signs.
std::string_view Bare(std::string_view line) {
  line = WithoutMarkup(line, " \t\r#>-+");
  const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits > 0 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ') {
    line.remove_prefix(digits + 1);
  }
  return WithoutMarkup(line, " \t\r`*:");
}

bool IsFileName(std::string_view text) { return evaluator::CheckPassFileName(text).has_value(); }

// "cpp add.cc", "cpp title=\"add.cc\"", "cpp:add.cc", "add.cc": the file that a fence names.
std::string_view NameInInfo(std::string_view info) {
  for (std::string_view key : {"title=", "file=", "filename=", "name=", "path="}) {
    const size_t at = info.find(key);
    if (at != std::string_view::npos) return WithoutMarkup(info.substr(at + key.size()), " \t\"'{}");
  }
  const std::string_view last = WithoutMarkup(info.substr(info.find_last_of(" :") + 1), "\"'`{}");
  return IsFileName(last) ? last : std::string_view();
}

std::optional<BlockName> NameOf(const Block& block) {
  if (block.above.starts_with(kMarker)) {
    return BlockName{true, std::string(WithoutMarkup(block.above.substr(kMarker.size()))), {}};
  }
  const std::string_view bare = Bare(block.above);
  if (auto name = AfterKeyword(bare)) return BlockName{true, std::string(WithoutMarkup(*name, " \t\r`*:\"'")), {}};
  const std::string_view info = NameInInfo(block.fence.info);
  if (IsFileName(bare)) {
    return BlockName{false, std::string(bare), info.empty() || info == bare ? "" : std::string(info)};
  }
  if (!info.empty()) return BlockName{false, std::string(info), {}};
  return std::nullopt;
}

struct Scan {
  std::vector<Block> blocks;
  std::string problem;
  bool says_done = false;
};

// Whatever stands in a block is the block's: a marker inside it means nothing.
Scan ScanBlocks(const std::vector<std::string_view>& lines) {
  Scan scan;
  std::string_view above;
  const auto no_block = [&] {
    scan.problem = "file " + ShownFileName(WithoutMarkup(above.substr(kMarker.size()))) +
                   ": no fenced code block follows its line";
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::optional<Fence> fence = FenceOf(lines[i]);
    if (!fence) {
      if (WithoutMarkup(lines[i]).empty()) continue;
      if (above.starts_with(kMarker)) return no_block(), scan;
      above = lines[i];
      scan.says_done = scan.says_done || WithoutMarkup(lines[i], " \t\r#*`.!") == "DONE";
      continue;
    }
    Block block{above, *fence, i + 1, i + 1, false};
    while (block.end < lines.size() && !Closes(lines[block.end], *fence)) ++block.end;
    block.closed = block.end < lines.size();
    i = block.end;
    above = {};
    scan.blocks.push_back(block);
  }
  if (above.starts_with(kMarker)) no_block();
  return scan;
}

// A block that is indented gives each of its lines that much less of it.
std::string BytesOf(const std::vector<std::string_view>& lines, const Block& block) {
  std::string bytes;
  for (size_t i = block.begin; i < block.end; ++i) {
    std::string_view line = lines[i];
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(std::min(indent, block.fence.indent));
    if (line.ends_with('\r')) line.remove_suffix(1);
    bytes.append(line).push_back('\n');
  }
  return bytes;
}

const CandidateFile* Find(const std::vector<CandidateFile>& files, std::string_view name) {
  auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string ProblemOfFolder(const std::vector<CandidateFile>& files) {
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

using NamedBlock = std::pair<Block, BlockName>;

// Those that a marker names; where there is no marker in the whole reply, those that something else names.
std::vector<NamedBlock> FileBlocks(const std::vector<Block>& blocks) {
  std::vector<NamedBlock> markers, hints;
  for (const Block& block : blocks) {
    const auto name = NameOf(block);
    if (name) (name->marker ? markers : hints).emplace_back(block, *name);
  }
  return markers.empty() ? hints : markers;
}

// The problem, empty when the file was taken.
std::string TakeFile(const std::vector<std::string_view>& lines, const NamedBlock& named,
                     const prompts::ReplyLimits& limits, size_t* total, std::vector<CandidateFile>* files) {
  const auto& [block, name] = named;
  const std::string shown = ShownFileName(name.name);
  if (!name.other.empty()) return "a code block is called " + shown + " above it and " + ShownFileName(name.other) + " in its fence";
  if (auto good = evaluator::CheckPassFileName(name.name); !good) return good.error().context;
  if (Find(*files, name.name) != nullptr) return "file " + shown + " is there twice";
  if (files->size() == limits.max_files) return "it has more than " + std::to_string(limits.max_files) + " files";
  if (!block.closed) return "file " + shown + ": its code block is not closed";
  CandidateFile file{name.name, BytesOf(lines, block)};
  if (file.bytes.find('\0') != std::string::npos) return "file " + shown + " holds a NUL byte";
  *total += file.bytes.size();
  if (*total > limits.max_total_bytes) {
    return "its files are larger than " + std::to_string(limits.max_total_bytes) + " bytes together";
  }
  files->push_back(std::move(file));
  return {};
}

std::string NoFiles(size_t blocks) {
  const std::string none = "there is no line \"#### FILE: <name>\" in it";
  if (blocks == 0) return none;
  return none + ", and nothing else tells which files its " + std::to_string(blocks) + " code blocks are";
}

ParsedReply Problem(std::string text) { return {{}, std::move(text), false}; }

// Names as the folder is called on disk, when all of them are.
void LeaveFolderOut(std::vector<CandidateFile>* files) {
  if (!std::all_of(files->begin(), files->end(), [](const auto& file) { return file.name.starts_with(kFolder); })) return;
  for (CandidateFile& file : *files) file.name.erase(0, kFolder.size());
}

}  // namespace

ParsedReply ParseReply(std::string_view reply, const prompts::ReplyLimits& limits) {
  const std::vector<std::string_view> lines = LinesOf(AfterThoughts(reply));
  const Scan scan = ScanBlocks(lines);
  if (!scan.problem.empty()) return Problem(scan.problem);
  const std::vector<NamedBlock> blocks = FileBlocks(scan.blocks);
  ParsedReply parsed;
  parsed.done = blocks.empty() && scan.says_done;
  if (parsed.done) return parsed;
  if (blocks.empty()) return Problem(NoFiles(scan.blocks.size()));
  size_t total = 0;
  for (const NamedBlock& block : blocks) {
    if (std::string problem = TakeFile(lines, block, limits, &total, &parsed.files); !problem.empty()) {
      return Problem(std::move(problem));
    }
  }
  LeaveFolderOut(&parsed.files);
  if (std::string problem = ProblemOfFolder(parsed.files); !problem.empty()) return Problem(std::move(problem));
  return parsed;
}

}  // namespace passnet::agent
