#include "evaluator/lane/kept_answers.h"

#include <chrono>
#include <iterator>

#include "base/sha256.h"

namespace passnet::evaluator {
namespace {

size_t SizeOf(const std::string& key, const ChildAnswer& answer) {
  return key.size() + answer.frame.size() + answer.output.size();
}

}  // namespace

std::string AnswerKey(std::string_view role, std::string_view first_frame) {
  Sha256 hash;
  hash.UpdateField(role).UpdateField(first_frame);
  return ToHex(hash.Finish());
}

const ChildAnswer* KeptAnswers::Find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->second;
}

void KeptAnswers::Put(const std::string& key, ChildAnswer answer) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) Drop(found->second);
  if (SizeOf(key, answer) > max_bytes_) return;
  bytes_ += SizeOf(key, answer);
  entries_.emplace_front(key, std::move(answer));
  by_key_[key] = entries_.begin();
  while (bytes_ > max_bytes_ || entries_.size() > max_count_) Drop(std::prev(entries_.end()));
}

void KeptAnswers::Drop(Entries::iterator entry) {
  bytes_ -= SizeOf(entry->first, entry->second);
  by_key_.erase(entry->first);
  entries_.erase(entry);
}

}  // namespace passnet::evaluator
