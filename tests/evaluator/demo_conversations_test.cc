// The demo's recorded conversations played on a real lane: every reply is read, evaluated and answered as a campaign does
// it, and the next reply comes only when that feedback holds what the recording says. So neither a prompt nor a screen
// can change without the demo following.
#include "agent/loop/reply_parser.h"
#include "prompts/prompt_set.h"
#include "recorded_llm/conversation.h"
#include "tests/evaluator/lane_fixture.h"

namespace passnet::evaluator {
namespace {

using prompts::BestSoFar;
using recorded_llm::Library;
using recorded_llm::Message;

constexpr int kRounds = 4;  // configs/demo-campaign.toml

class DemoConversationsTest : public LaneTest {
 protected:
  static void SetUpTestSuite() {
    auto library = Library::Load(Source("recorded_llm/demo"));
    ASSERT_TRUE(library) << library.error().context;
    library_ = std::make_unique<Library>(std::move(library).value());
  }
  static void TearDownTestSuite() {
    library_.reset();
    LaneTest::TearDownTestSuite();
  }

  // The best verdict of the task's conversation, which ends where replies repeat themselves.
  Verdict Play(const std::string& task) {
    auto description = lane_->DescribeTask({{Source("tasks/" + task).native()}, "cpu"}, Deadline::After(std::chrono::minutes(5)));
    if (!description) return Fail(description.error().context);
    auto first = prompts::RenderFirst(texts_, description.value(), "cpu", kRounds);
    if (!first) return Fail(first.error().context);
    std::vector<Message> messages = {{"user", first.value()}};
    std::optional<BestSoFar> best;
    for (int round = 1; round <= kRounds; ++round) {
      auto choice = library_->Choose(messages);
      if (!choice) return Fail(choice.error().context);
      const std::string& reply = choice.value().conversation->turns[choice.value().turn].reply;
      if (messages.size() > 1 && messages[messages.size() - 2].content == reply) break;
      auto feedback = Answer(task, reply, round, &best);
      if (!feedback) return Fail(feedback.error().context);
      messages.push_back({"assistant", reply});
      messages.push_back({"user", feedback.value()});
    }
    return best ? best->verdict : Verdict::kInfra;
  }

  static const Library& library() { return *library_; }

 private:
  // What the loop says to a reply.
  Result<std::string> Answer(const std::string& task, const std::string& reply, int round, std::optional<BestSoFar>* best) {
    agent::ParsedReply parsed = agent::ParseReply(reply, {});
    if (parsed.files.empty()) {
      return prompts::RenderWrongFormat(texts_, parsed.problem, {round, kRounds - round, *best, {}});
    }
    ASSIGN_OR_RETURN(EvaluationReport report, Hand(task, std::move(parsed)));
    if (report.aggregated_score && (!*best || (*best)->score < *report.aggregated_score)) {
      *best = BestSoFar{round, report.verdict, *report.aggregated_score};
    }
    return prompts::RenderFeedback(texts_, report, {round, kRounds - round, *best, {}});
  }

  Result<EvaluationReport> Hand(const std::string& task, agent::ParsedReply parsed) {
    EvaluateRequest request;
    request.evaluation_id = "demo-" + task;
    request.purpose = "test";
    request.task.path = Source("tasks/" + task).native();
    request.files = std::move(parsed.files);
    request.profile = Profile::kQuick;
    request.time_cap = std::chrono::milliseconds(100);  // it is the words that are held to the recording
    return Evaluate(request);
  }

  static Verdict Fail(const std::string& why) {
    ADD_FAILURE() << why;
    return Verdict::kInfra;
  }

  static inline std::unique_ptr<Library> library_;
  const prompts::PromptTexts texts_ = prompts::ShippedPrompts();
};

TEST_F(DemoConversationsTest, EachGoesAsItIsRecorded) {
  size_t played = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Source("recorded_llm/demo"))) {
    if (!entry.is_directory()) continue;
    const std::string task = entry.path().filename().native();
    SCOPED_TRACE(task);
    // Its chunk cannot be matched however it is written, which is what that recording is about.
    const Verdict expected = task == "swiglu" ? Verdict::kMiss : Verdict::kOk;
    EXPECT_STREQ(VerdictName(Play(task)), VerdictName(expected));
    ++played;
  }
  EXPECT_EQ(played, library().size());
}

}  // namespace
}  // namespace passnet::evaluator
