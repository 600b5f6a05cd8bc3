// A temporary folder of recorded conversations, removed at the end.
// Threads: thread-compatible.
#pragma once

#include <filesystem>
#include <string>

#include "tests/fakes/temp_folder.h"

namespace passnet {

class ConversationFolder {
 public:
  // Two conversations: "gelu" with two turns, the second wanting "error: line 7", and "norm" with one.
  void AddUsual();
  // Writes `text` to `<conversation>/<file>`.
  void Write(const std::string& conversation, const std::string& file, const std::string& text);
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  fakes::TempFolder folder_{"recorded"};
};

}  // namespace passnet
