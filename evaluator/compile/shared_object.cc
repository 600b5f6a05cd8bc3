#include "evaluator/compile/shared_object.h"

#include <elf.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <set>

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxHeaders = 64;        // segments; the linker makes a dozen
constexpr size_t kMaxSections = 4096;
constexpr size_t kMaxEntries = 1u << 20;  // symbols or relocations; an object has at most 4 MiB

// The numbers that differ between machines.
struct Machine {
  uint32_t relative, irelative;
};

std::optional<Machine> MachineOf(uint16_t machine) {
  if (machine == EM_X86_64) return Machine{R_X86_64_RELATIVE, R_X86_64_IRELATIVE};
  if (machine == EM_AARCH64) return Machine{R_AARCH64_RELATIVE, R_AARCH64_IRELATIVE};
  return std::nullopt;
}

// Dynamic entries of an object that g++ links without options of a stranger's. Others change whom the loader asks or
// what it runs (DT_RPATH, DT_AUDIT, DT_PREINIT_ARRAY, …).
const std::set<int64_t> kPlainTags = {
    DT_NEEDED, DT_SONAME, DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAY, DT_FINI_ARRAYSZ,
    DT_HASH, DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_PLTGOT, DT_PLTRELSZ, DT_PLTREL, DT_JMPREL,
    DT_RELA, DT_RELASZ, DT_RELAENT, DT_RELACOUNT, DT_VERSYM, DT_VERNEED, DT_VERNEEDNUM, DT_VERDEF, DT_VERDEFNUM,
    DT_FLAGS, DT_FLAGS_1, DT_TLSDESC_PLT, DT_TLSDESC_GOT, DT_SYMBOLIC};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Result<SharedObject> Read();

 private:
  // A copy: nothing in the file need be aligned.
  template <typename T>
  Result<T> At(uint64_t offset) const {
    T value;
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof value) return Odd("a table lies outside of the file");
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  template <typename T>
  Result<std::vector<T>> Table(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset || size / sizeof(T) > kMaxEntries) {
      return Odd("a table lies outside of the file");
    }
    std::vector<T> table(size / sizeof(T));
    if (!table.empty()) std::memcpy(table.data(), bytes_.data() + offset, table.size() * sizeof(T));
    return table;
  }
  static Error Odd(const std::string& what) { return DataCorrupt("the shared object: " + what); }

  Status ReadSegments();
  Status ReadDynamic();
  Status ReadSections();
  Status ReadSymbols(const Elf64_Shdr& section, const Elf64_Shdr& names);
  Status ReadRelocations(uint64_t table, uint64_t size);
  Status ReadLoadFunctions();
  Result<uint64_t> OffsetOf(uint64_t address) const;  // in the file
  Result<std::string> Text(uint64_t strings, uint64_t strings_size, uint64_t at) const;
  std::string NameAt(uint64_t address) const;

  std::string_view bytes_;
  SharedObject object_;
  Elf64_Ehdr header_{};
  Machine machine_{};
  std::vector<Elf64_Phdr> segments_;
  std::map<int64_t, uint64_t> dynamic_;
  std::vector<uint64_t> needed_;                 // into the string table
  std::vector<std::string> dynamic_names_;       // of .dynsym, by index
  std::multimap<uint64_t, std::string> functions_;  // local ones too, by address
  std::map<uint64_t, std::string> pointers_;     // where the loader writes a function's address: its name
};

Result<uint64_t> Reader::OffsetOf(uint64_t address) const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return Odd("an address lies in no segment");
}

Result<std::string> Reader::Text(uint64_t strings, uint64_t strings_size, uint64_t at) const {
  if (strings > bytes_.size() || strings_size > bytes_.size() - strings || at >= strings_size) {
    return Odd("a name lies outside of its table");
  }
  const std::string_view table = bytes_.substr(strings, strings_size);
  const size_t end = table.find('\0', at);
  if (end == std::string_view::npos) return Odd("a name has no end");
  return std::string(table.substr(at, end - at));
}

std::string Reader::NameAt(uint64_t address) const {
  const auto found = functions_.find(address);
  return found == functions_.end() ? "?" : found->second;
}

Status Reader::ReadSegments() {
  if (header_.e_phentsize != sizeof(Elf64_Phdr) || header_.e_phnum > kMaxHeaders) return Odd("odd segments");
  ASSIGN_OR_RETURN(segments_, Table<Elf64_Phdr>(header_.e_phoff, header_.e_phnum * sizeof(Elf64_Phdr)));
  for (const Elf64_Phdr& segment : segments_) {
    const bool mapped = segment.p_type == PT_LOAD || segment.p_type == PT_GNU_STACK;
    if (mapped && (segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0) object_.writable_code = true;
  }
  return OkStatus();
}

Status Reader::ReadDynamic() {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_DYNAMIC) continue;
    ASSIGN_OR_RETURN(auto entries, Table<Elf64_Dyn>(segment.p_offset, segment.p_filesz));
    for (const Elf64_Dyn& entry : entries) {
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED) needed_.push_back(entry.d_un.d_val);
      if (entry.d_tag != DT_NEEDED && !dynamic_.emplace(entry.d_tag, entry.d_un.d_val).second) {
        return Odd("a dynamic entry stands twice");
      }
      char tag[24];
      std::snprintf(tag, sizeof tag, "0x%llx", static_cast<unsigned long long>(entry.d_tag));
      if (!kPlainTags.contains(entry.d_tag)) object_.odd_tags.emplace_back(tag);
    }
  }
  if (dynamic_.empty()) return Odd("it has no dynamic section");
  ASSIGN_OR_RETURN(const uint64_t strings, OffsetOf(dynamic_[DT_STRTAB]));
  for (uint64_t at : needed_) {
    ASSIGN_OR_RETURN(std::string name, Text(strings, dynamic_[DT_STRSZ], at));
    object_.needed.push_back(std::move(name));
  }
  return OkStatus();
}

// The loader reads no sections, but only they tell how many symbols there are; so they must name the loader's tables.
Status Reader::ReadSections() {
  if (header_.e_shentsize != sizeof(Elf64_Shdr) || header_.e_shnum > kMaxSections) return Odd("odd sections");
  ASSIGN_OR_RETURN(auto sections, Table<Elf64_Shdr>(header_.e_shoff, header_.e_shnum * sizeof(Elf64_Shdr)));
  bool dynamic = false;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM && section.sh_type != SHT_SYMTAB) continue;
    if (section.sh_link >= sections.size()) return Odd("a symbol table has no names");
    const Elf64_Shdr& names = sections[section.sh_link];
    if (section.sh_type == SHT_DYNSYM) {
      if (dynamic || section.sh_addr != dynamic_[DT_SYMTAB] || names.sh_addr != dynamic_[DT_STRTAB]) {
        return Odd("the section of its dynamic symbols is not the one that is loaded");
      }
      dynamic = true;
    }
    RETURN_IF_ERROR(ReadSymbols(section, names));
  }
  return dynamic ? OkStatus() : Status(Odd("it has no dynamic symbols"));
}

Status Reader::ReadSymbols(const Elf64_Shdr& section, const Elf64_Shdr& names) {
  const bool dynamic = section.sh_type == SHT_DYNSYM;
  ASSIGN_OR_RETURN(auto symbols, Table<Elf64_Sym>(section.sh_offset, section.sh_size));
  for (const Elf64_Sym& symbol : symbols) {
    ASSIGN_OR_RETURN(std::string name, Text(names.sh_offset, names.sh_size, symbol.st_name));
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (dynamic) {
      dynamic_names_.push_back(name);
      if (symbol.st_shndx == SHN_UNDEF && !name.empty()) object_.imports.push_back(name);
      if (type == STT_GNU_IFUNC) object_.resolvers.push_back(name);
    }
    if (symbol.st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC)) {
      functions_.emplace(symbol.st_value, std::move(name));
    }
  }
  return OkStatus();
}

Status Reader::ReadRelocations(uint64_t table, uint64_t size) {
  if (size == 0) return OkStatus();
  ASSIGN_OR_RETURN(const uint64_t offset, OffsetOf(table));
  ASSIGN_OR_RETURN(auto relocations, Table<Elf64_Rela>(offset, size));
  for (const Elf64_Rela& relocation : relocations) {
    const uint32_t type = static_cast<uint32_t>(ELF64_R_TYPE(relocation.r_info));
    const uint64_t symbol = ELF64_R_SYM(relocation.r_info);
    if (symbol >= dynamic_names_.size()) return Odd("a relocation names no symbol");
    const uint64_t target = static_cast<uint64_t>(relocation.r_addend);
    if (type == machine_.irelative) object_.resolvers.push_back(NameAt(target));
    pointers_[relocation.r_offset] = type == machine_.relative ? NameAt(target) : dynamic_names_[symbol];
  }
  return OkStatus();
}

Status Reader::ReadLoadFunctions() {
  for (auto [array, array_size] : {std::pair{DT_INIT_ARRAY, DT_INIT_ARRAYSZ}, {DT_FINI_ARRAY, DT_FINI_ARRAYSZ}}) {
    const uint64_t begin = dynamic_[array], size = dynamic_[array_size];
    if (size / sizeof(uint64_t) > kMaxEntries) return Odd("it has too many functions that run when it is loaded");
    for (uint64_t at = begin; at < begin + size; at += sizeof(uint64_t)) {
      const auto found = pointers_.find(at);
      object_.load_functions.push_back(found == pointers_.end() ? "?" : found->second);
    }
  }
  return OkStatus();
}

Result<SharedObject> Reader::Read() {
  ASSIGN_OR_RETURN(header_, At<Elf64_Ehdr>(0));
  const bool elf = std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 && header_.e_ident[EI_CLASS] == ELFCLASS64 &&
                   header_.e_ident[EI_DATA] == ELFDATA2LSB && header_.e_type == ET_DYN;
  const auto machine = MachineOf(header_.e_machine);
  if (!elf || !machine) return Odd("it is none for this machine");
  machine_ = *machine;
  RETURN_IF_ERROR(ReadSegments());
  RETURN_IF_ERROR(ReadDynamic());
  RETURN_IF_ERROR(ReadSections());
  RETURN_IF_ERROR(ReadRelocations(dynamic_[DT_RELA], dynamic_[DT_RELASZ]));
  RETURN_IF_ERROR(ReadRelocations(dynamic_[DT_JMPREL], dynamic_[DT_PLTRELSZ]));
  RETURN_IF_ERROR(ReadLoadFunctions());
  return std::move(object_);
}

}  // namespace

Result<SharedObject> ReadSharedObject(std::string_view bytes) { return Reader(bytes).Read(); }

}  // namespace passnet::evaluator
