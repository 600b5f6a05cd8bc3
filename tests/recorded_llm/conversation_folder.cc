#include "tests/recorded_llm/conversation_folder.h"

#include <fstream>

namespace passnet {

void ConversationFolder::AddUsual() {
  Write("gelu", "1.md", "first gr\xC3\xBC\xC3\x9F\n");
  Write("gelu", "2.md", "second");
  Write("gelu", "conversation.json", R"({"schema": "passnet.recorded_conversation/1",
    "metadata": {"authored_by": "the tests", "provenance": "written by hand"},
    "match": ["GELU", "task: \\w+"],
    "turns": [{"reply_file": "1.md", "usage": {"prompt_tokens": 10, "completion_tokens": 20}},
              {"expect": ["error: line \\d+"], "reply_file": "2.md", "finish_reason": "length"}]})");
  Write("norm", "1.md", "norm");
  Write("norm", "conversation.json", R"({"schema": "passnet.recorded_conversation/1",
    "metadata": {"authored_by": "the tests", "provenance": "written by hand"},
    "match": ["RMSNorm"], "turns": [{"reply_file": "1.md"}]})");
}

void ConversationFolder::Write(const std::string& conversation, const std::string& file, const std::string& text) {
  std::filesystem::create_directories(folder_ / conversation);
  std::ofstream(folder_ / conversation / file, std::ios::binary) << text;
}

}  // namespace passnet
