// What throw-away children answered, kept by the content that they were asked about, so that a second evaluation of the
// same candidate forks no screen, no trace and no match: the frame byte for byte, which every use reads with the same
// checks as the first. Least recently used answers go first, bounded by bytes and by count.
// Kept is only the answer of a child that said nothing more and ended by itself with status 0, and that its reader found
// usable: whatever may have been our failure is asked again. A key is the SHA-256 of all that the child was given, never
// a candidate's name. It holds neither torch's nor the worker's version: a KeptAnswers lives in memory, no longer than
// the zygote whose children it remembers.
// Threads: thread-compatible. Owns the bytes. Errors: none.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace passnet::evaluator {

struct ChildAnswer {
  std::string frame;
  std::string output;  // what it printed, bounded
};

// Of all that a child of this role is given.
std::string AnswerKey(std::string_view role, std::string_view first_frame);

class KeptAnswers {
 public:
  KeptAnswers(size_t max_bytes, size_t max_count) : max_bytes_(max_bytes), max_count_(max_count) {}

  // Null when there is none. The pointer is good until the next Put.
  const ChildAnswer* Find(const std::string& key);
  // An answer that is larger than the whole bound is not kept.
  void Put(const std::string& key, ChildAnswer answer);

  size_t bytes() const { return bytes_; }
  size_t count() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, ChildAnswer>>;
  void Drop(Entries::iterator entry);

  size_t max_bytes_;
  size_t max_count_;
  size_t bytes_ = 0;
  Entries entries_;  // most recent first
  std::unordered_map<std::string, Entries::iterator> by_key_;
};

}  // namespace passnet::evaluator
