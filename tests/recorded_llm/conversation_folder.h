// A temporary folder of recorded conversations, removed at the end.
// Threads: thread-compatible.
#pragma once

#include <filesystem>
#include <string>

namespace passnet {

class ConversationFolder {
 public:
  ConversationFolder();
  ~ConversationFolder();
  ConversationFolder(const ConversationFolder&) = delete;
  ConversationFolder& operator=(const ConversationFolder&) = delete;

  // Two conversations: "gelu" with two turns, the second wanting "error: line 7", and "norm" with one.
  void AddUsual();
  // Writes `text` to `<conversation>/<file>`.
  void Write(const std::string& conversation, const std::string& file, const std::string& text);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace passnet
