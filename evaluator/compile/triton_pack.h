// What the compile child of a Triton pass hands on to timed processes: the files of Triton's cache, as one text. Hostile code
// ran beside the writer, so that nothing of it is believed: sizes, names, kinds and what they say of themselves are checked
// before a process gets any.
// Threads: pure functions. Errors: kDataCorrupt naming the file: the candidate's doing.
// Source: evaluator/worker/passnet_worker/triton_pack.py (the writer); the ELF-64 object file format, EM_CUDA.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::evaluator {

inline constexpr size_t kMaxTritonFiles = 512;  // a kernel has two; as triton_pack.py bounds them
inline constexpr size_t kMaxTritonFileBytes = 8u << 20;
inline constexpr size_t kMaxTritonBytes = 64u << 20;

struct TritonFile {
  std::string name;        // KEY/kernel.cubin
  std::string_view bytes;  // of the pack
};

// Every kernel is a folder with one .json, made for `architecture` ("sm_90"), and the .cubin of that name; an autotune is a
// folder with its .autotune.json alone. Names are plain, each stands once, nothing is left over.
Result<std::vector<TritonFile>> ReadTritonPack(std::string_view pack, const std::string& architecture);

}  // namespace passnet::evaluator
