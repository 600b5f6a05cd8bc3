// One journal in every form, against tests/fixtures/export/*.jsonl, which the trainers of the peers tests load. To change
// a form on purpose, run this with PASSNET_UPDATE_GOLDEN=1 and read the difference.
#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/fakes/paths.h"
#include "tests/trajectories/export_fixture.h"

namespace passnet::trajectories {
namespace {

struct Form {
  const char* file;
  RowFormat format;
  bool history_masked = false;
};

class GoldenTest : public ExportFixture {
 protected:
  static Turn Pass(const std::string& name, double speedup, const std::string& verdict = "OK") {
    return {"I fuse the chain.\n\n```python pass_dir/" + name + ".py\ndef pattern(x):\n    return x * 1.0  # \"" + name +
                "\" … ä\n```\n",
            verdict, speedup};
  }

  // Two tries a task, so that every prompt has two answers.
  void TellAll() {
    for (int i = 0; i < 8; ++i) {
      const std::string task = "task_" + std::to_string(i);
      Tell("t-" + std::to_string(2 * i),
           {.task = task, .turns = {Pass("Rise" + task, 1.2), Pass("Best" + task, 1.5)}, .winner = 2});
      Tell("t-" + std::to_string(2 * i + 1),
           {.task = task, .turns = {Pass("Wrong" + task, 0, "INCORRECT"), Pass("Right" + task, 1.3)}, .winner = 2});
    }
  }
};

TEST_F(GoldenTest, EveryFormIsAsItWas) {
  TellAll();
  for (const Form& form : {Form{"openai-chat.jsonl", RowFormat::kOpenAiChat},
                           Form{"sharegpt.jsonl", RowFormat::kShareGpt},
                           Form{"sharegpt-masked.jsonl", RowFormat::kShareGpt, true},
                           Form{"trl-messages.jsonl", RowFormat::kTrlMessages},
                           Form{"trl-prompt-completion.jsonl", RowFormat::kTrlPromptCompletion},
                           Form{"trl-preference.jsonl", RowFormat::kTrlPreference}}) {
    ExportOptions options = Options();
    options.format = form.format;
    options.history_masked = form.history_masked;
    Exported(options);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    const std::string path = fakes::SourceDir() + "/tests/fixtures/export/" + form.file;
    if (std::getenv("PASSNET_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomic(path, text));
    }
    auto expected = ReadFile(path, 1 << 20);
    ASSERT_TRUE(expected) << expected.error().context;
    EXPECT_EQ(text, expected.value()) << form.file;
    EXPECT_GE(lines_.size(), 8u) << form.file;
  }
}

}  // namespace
}  // namespace passnet::trajectories
