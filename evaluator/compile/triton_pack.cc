#include "evaluator/compile/triton_pack.h"

#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "base/fields.h"
#include "base/json.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxHeadBytes = 256u << 10;  // 512 names of at most 220 bytes
constexpr size_t kKeyBytes = 52;              // SHA-256 in base 32
constexpr size_t kMaxNameBytes = 170;         // Triton cuts a kernel's name at 150
constexpr size_t kMaxMetadataBytes = 256u << 10;
constexpr uint16_t kCudaMachine = 190;  // EM_CUDA, which older <elf.h> lack

Error Odd(const std::string& what) { return DataCorrupt("its compiled kernels: " + what); }

bool IsKey(std::string_view text) {
  return text.size() == kKeyBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
         });
}

// Of the characters that names of ASCII kernels have: no slash, no dot but those of the ending.
bool IsStem(std::string_view text) {
  return !text.empty() && (text[0] < '0' || text[0] > '9') && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

enum class TritonKind { kMetadata, kDeviceCode, kAutotune };

struct PlacedFile {
  std::string key, stem;
  TritonKind kind;
};

Result<PlacedFile> Place(const std::string& name) {
  std::string shown;
  for (char c : name.substr(0, kMaxNameBytes)) shown += c >= ' ' && c < 0x7F ? c : '?';
  const size_t slash = name.find('/');
  if (name.size() > kKeyBytes + 1 + kMaxNameBytes || slash == std::string::npos || !IsKey(name.substr(0, slash))) {
    return Odd("\"" + shown + "\" lies in no folder of Triton's cache");
  }
  const std::string file = name.substr(slash + 1);
  for (const auto& [ending, kind] : {std::pair{".autotune.json", TritonKind::kAutotune},
                                     {".json", TritonKind::kMetadata},
                                     {".cubin", TritonKind::kDeviceCode}}) {
    if (!file.ends_with(ending)) continue;
    const std::string stem = file.substr(0, file.size() - std::strlen(ending));
    if (IsStem(stem)) return PlacedFile{name.substr(0, slash), stem, kind};
  }
  return Odd("\"" + shown + "\" is no file of a compiled kernel");
}

struct Entry {
  std::string name;
  int64_t size = 0;
};

Result<std::vector<TritonFile>> Split(std::string_view pack) {
  uint32_t head = 0;
  if (pack.size() > kMaxTritonBytes + kMaxHeadBytes || pack.size() < sizeof head) return Odd("no pack, or too large a one");
  std::memcpy(&head, pack.data(), sizeof head);
  pack.remove_prefix(sizeof head);
  if (head > kMaxHeadBytes || head > pack.size()) return Odd("its list is longer than it");
  auto list = ParseJson(pack.substr(0, head), {.max_bytes = kMaxHeadBytes, .max_depth = 4, .max_values = 3 * kMaxTritonFiles + 8});
  if (!list) return Odd("its list: " + list.error().context);
  pack.remove_prefix(head);
  const Json wrapped = {{"files", std::move(list).value()}};
  std::vector<Entry> entries;
  FieldReader fields(wrapped);
  fields.Required("files");
  VisitList(fields, "files", &entries, [](FieldVisitor& of, Entry& entry) {
    of.Required("name");
    of.Text("name", &entry.name);
    of.Required("size");
    of.Integer("size", &entry.size, 0, kMaxTritonFileBytes);
  });
  if (const Status read = fields.Check("its list"); !read) return Odd(read.error().context);
  if (entries.size() > kMaxTritonFiles) return Odd("more than " + std::to_string(kMaxTritonFiles) + " files");
  std::vector<TritonFile> files;
  for (Entry& entry : entries) {
    const auto size = static_cast<size_t>(entry.size);
    if (size > pack.size()) return Odd("the list promises more bytes than there are");
    files.push_back({std::move(entry.name), pack.substr(0, size)});
    pack.remove_prefix(size);
  }
  if (!pack.empty()) return Odd("there are more bytes than the list names");
  return files;
}

Status CheckDeviceCode(const TritonFile& file) {
  Elf64_Ehdr header;
  if (file.bytes.size() < sizeof header) return Odd(file.name + " is no device code");
  std::memcpy(&header, file.bytes.data(), sizeof header);
  const bool elf = std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64;
  if (!elf || header.e_machine != kCudaMachine) return Odd(file.name + " is no device code");
  return OkStatus();
}

Result<Json> ReadMetadata(const TritonFile& file) {
  auto json = ParseJsonObject(file.bytes, file.name, {.max_bytes = kMaxMetadataBytes, .max_depth = 16, .max_values = 10'000});
  if (!json) return Odd(json.error().context);
  return json;
}

Status CheckMetadata(const TritonFile& file, const std::string& architecture) {
  ASSIGN_OR_RETURN(const Json json, ReadMetadata(file));
  const Json& target = json["target"];
  const std::string number = architecture.substr(3, architecture.find_last_of("0123456789") - 2);
  if (target["backend"].Text() != "cuda" || std::to_string(target["arch"].Integer()) != number) {
    return Odd(file.name + " is of another device than " + architecture);
  }
  return OkStatus();
}

// The files of one folder.
using TritonFolder = std::map<TritonKind, std::pair<std::string, const TritonFile*>>;

Status CheckFolder(const std::string& key, const TritonFolder& folder, const std::string& architecture) {
  if (folder.contains(TritonKind::kAutotune)) {
    if (folder.size() > 1) return Odd(key + " holds an autotune and more");
    return ReadMetadata(*folder.at(TritonKind::kAutotune).second).has_value() ? OkStatus()
                                                                                : Status(Odd(key + ": its autotune is no JSON"));
  }
  if (folder.size() != 2 || folder.at(TritonKind::kMetadata).first != folder.at(TritonKind::kDeviceCode).first) {
    return Odd(key + " is no kernel: one .json and the .cubin of that name");
  }
  RETURN_IF_ERROR(CheckMetadata(*folder.at(TritonKind::kMetadata).second, architecture));
  return CheckDeviceCode(*folder.at(TritonKind::kDeviceCode).second);
}

}  // namespace

Result<std::vector<TritonFile>> ReadTritonPack(std::string_view pack, const std::string& architecture) {
  ASSIGN_OR_RETURN(std::vector<TritonFile> files, Split(pack));
  std::map<std::string, TritonFolder> folders;
  for (const TritonFile& file : files) {
    ASSIGN_OR_RETURN(PlacedFile placed, Place(file.name));
    TritonFolder& folder = folders[placed.key];
    if (!folder.emplace(placed.kind, std::pair(std::move(placed.stem), &file)).second) {
      return Odd(placed.key + " holds two files of one kind");
    }
  }
  for (const auto& [key, folder] : folders) RETURN_IF_ERROR(CheckFolder(key, folder, architecture));
  return files;
}

}  // namespace passnet::evaluator
