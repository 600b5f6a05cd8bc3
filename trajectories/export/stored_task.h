// A task as a journal names it, and what those who can read task folders tell of it. The layers above pass the function
// in: this room knows the journal, not PassBench's files.
// Threads: values; the function is called by one thread at a time.
// Errors: none: what is not known says why.
#pragma once

#include <functional>
#include <set>
#include <string>

namespace passnet::trajectories {

struct StoredTask {
  std::string name;
  std::string path;  // of its folder when the campaign was launched
  std::string hash;  // of its files then; empty: the journal does not say
};

// The hashes of the op sequences of a task's graphs (docs/formats.md, "Marks of a task"), each once.
struct OpSequences {
  std::set<std::string> hashes;
  std::string unknown;  // why there are none
};

using OpSequencesOf = std::function<OpSequences(const StoredTask&)>;

}  // namespace passnet::trajectories
