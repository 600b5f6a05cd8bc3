// What a finished shared object would do when it is loaded, read from the tables that the loader reads. Every offset and
// count in it is checked: the linker is ours, but what it linked is a stranger's.
// Threads: pure functions.
// Errors: kDataCorrupt for bytes that are no shared object of this machine, or whose tables do not fit.
// Source: the ELF-64 object file format (gabi, chapters 4 and 5); System V ABI for AMD64, table 4.10 (relocations).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::evaluator {

struct SharedObject {
  std::vector<std::string> needed;          // libraries
  std::vector<std::string> imports;         // symbols that others must define
  std::vector<std::string> load_functions;  // that run when it is loaded, by name; "?" for one without a name
  std::vector<std::string> odd_tags;        // entries of the dynamic section that no plain object has, as 0x…
  bool writable_code = false;               // a segment, or the stack
  std::vector<std::string> resolvers;       // functions that choose others at load time (STT_GNU_IFUNC), by name
};

Result<SharedObject> ReadSharedObject(std::string_view bytes);

}  // namespace passnet::evaluator
