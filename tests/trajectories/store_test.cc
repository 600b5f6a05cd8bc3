#include "trajectories/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <fstream>
#include <limits>
#include <thread>

#include "base/unique_fd.h"
#include "dialects/chat.h"
#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

class StoreTest : public JournalTest {};

TEST_F(StoreTest, AcknowledgedEventsAreThereAfterReopening) {
  OpenStore();
  Launch();
  Call("call-1", ChatRequest({{"user", "hi"}}), "hello");
  int64_t last = store_->LastRowId();
  store_.reset();
  OpenStore();
  EXPECT_EQ(store_->LastRowId(), last);
  auto events = OpenReader()->Events({}).value();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[2].body.kind, EventKind::kLlmIntent);
  EXPECT_EQ(events[2].body.subject, "call-1");
  EXPECT_EQ(events[3].body.completion_tokens, 20);
  EXPECT_EQ(events[3].seq, 3);
  EXPECT_EQ(events[3].prev_hash, events[2].hash);
}

// The lock is on the file: another name of it is no other journal. Refused before anything is written.
TEST_F(StoreTest, SecondWriterIsRefusedWhateverLinkItComesBy) {
  OpenStore();
  Launch();
  const auto linked = folder_ / "hard.db";
  const auto symbolic = folder_ / "symbolic.db";
  std::filesystem::create_hard_link(path_, linked);
  std::filesystem::create_symlink(path_, symbolic);
  for (const std::string& path : {path_, linked.string(), symbolic.string()}) {
    StoreOptions options = Options();
    options.path = path;
    EXPECT_EQ(Store::Open(options).error().code, ErrorCode::kUnavailable) << path;
    // Another process sees the lock of the file itself.
    pid_t child = ::fork();
    if (child == 0) {
      UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      ::_exit(::flock(file.get(), LOCK_EX | LOCK_NB) == 0 ? 1 : 0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << path << " is not locked";
  }
  for (const char* beside : {"hard.db-wal", "hard.db-shm", "hard.db.lock", "symbolic.db-wal", "symbolic.db.lock"}) {
    EXPECT_FALSE(std::filesystem::exists(folder_ / beside)) << beside;
  }
  MustAppend({Draft(EventKind::kPromptRendered)});
  store_.reset();
  path_ = linked.string();
  OpenStore();
  EXPECT_EQ(store_->LastRowId(), 3);
  EXPECT_FALSE(VerifyAll().first);
}

// What earlier versions stored as the provider told it.
TEST_F(StoreTest, TotalsStayAtTheEdgeOfTheirRange) {
  OpenStore();
  Launch();
  for (const char* call : {"call-1", "call-2"}) {
    EventDraft outcome = Draft(EventKind::kLlmOutcome, call, "accepted");
    outcome.prompt_tokens = std::numeric_limits<int64_t>::max();
    outcome.cost_microusd = std::numeric_limits<int64_t>::max();
    MustAppend({outcome});
  }
  EXPECT_EQ(OpenReader()->Campaign("c-1").value().usage.prompt_tokens, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(OpenReader()->Trajectory("t-1").value().usage.cost_microusd, std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, BatchWithOneWrongEventIsNotWrittenAtAll) {
  OpenStore();
  Launch();
  auto refused = Append({Draft(EventKind::kPromptRendered), Of("t-unknown", Draft(EventKind::kPromptRendered))});
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().context, HasSubstr("no trajectory t-unknown"));
  EXPECT_EQ(OpenReader()->LastRowId().value(), 2);
}

// What its first event moved on is taken back with it, while other batches of the group have moved the same states.
TEST_F(StoreTest, RefusedBatchLeavesNothingInTheStatesOfItsGroup) {
  GateClock gate;
  StoreOptions options = Options();
  options.clock = &gate;
  OpenStore(options);
  Launch();
  gate.Close();
  std::vector<std::future<Result<Appended>>> results;
  auto queue = [&](std::vector<EventDraft> drafts) {
    auto batch = std::make_shared<Batch>();
    for (EventDraft& draft : drafts) ASSERT_TRUE(batch->Add(std::move(draft)));
    auto promise = std::make_shared<std::promise<Result<Appended>>>();
    results.push_back(promise->get_future());
    ASSERT_TRUE(store_->AppendAsync(batch, [promise](Result<Appended> result) { promise->set_value(std::move(result)); }));
  };
  const auto intent = [](const std::string& call) { return Draft(EventKind::kLlmIntent, call); };
  queue({intent("call-1")});
  gate.WaitUntilReached();
  queue({intent("call-2")});
  queue({Of("t-2", Draft(EventKind::kTrajectoryStarted, "rope")), intent("call-3"), intent("call-1")});
  queue({intent("call-4")});
  gate.Open();
  EXPECT_TRUE(results[1].get());
  EXPECT_EQ(results[2].get().error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(results[3].get());
  auto reader = OpenReader();
  EXPECT_EQ(reader->Trajectory("t-1").value().usage.calls, 3);
  EXPECT_EQ(reader->Campaign("c-1").value().usage.calls, 3);
  EXPECT_EQ(reader->Campaign("c-1").value().trajectories_started, 1);
  EXPECT_EQ(reader->Trajectory("t-2").error().code, ErrorCode::kNotFound);
  MustAppend({Of("t-2", Draft(EventKind::kTrajectoryStarted, "rope"))});
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, MessagesThatAreThereAlreadyAreNotStoredAgainAndTheRequestIsWhole) {
  OpenStore();
  Launch();
  KnownBlobs known;
  const std::string first = ChatRequest({{"user", "hi"}});
  const std::string second = ChatRequest({{"user", "hi"}, {"assistant", "hello"}});
  for (const std::string& request : {first, second}) {
    Batch batch(&known);
    EventDraft asked = Draft(EventKind::kLlmIntent, "call-" + std::to_string(request.size()));
    asked.refs.push_back({"request", batch.AddRequest(request).value()});
    ASSERT_TRUE(batch.Add(std::move(asked)));
    EXPECT_EQ(batch.blobs().size(), request == first ? 3u : 1u) << "head, message and tail; then the new message";
    ASSERT_TRUE(store_->Append(batch));
    known.Learn(batch);
  }
  EXPECT_EQ(OpenReader()->Content(Sha256Of(second)).value(), second);
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, OnlyTheRefusedBatchOfAGroupFails) {
  GateClock gate;
  StoreOptions options = Options();
  options.clock = &gate;
  OpenStore(options);
  Launch();
  gate.Close();
  std::vector<std::future<Result<Appended>>> results;
  auto queue = [&](EventDraft draft) {
    auto promise = std::make_shared<std::promise<Result<Appended>>>();
    results.push_back(promise->get_future());
    ASSERT_TRUE(store_->AppendAsync(OneEvent(std::move(draft)), [promise](Result<Appended> result) {
      promise->set_value(std::move(result));
    }));
  };
  queue(Draft(EventKind::kPromptRendered));
  gate.WaitUntilReached();
  queue(Draft(EventKind::kPromptRendered));
  queue(Of("t-unknown", Draft(EventKind::kPromptRendered)));
  queue(Draft(EventKind::kPromptRendered));
  gate.Open();
  EXPECT_EQ(results[0].get().value().first_row_id, 3);
  EXPECT_EQ(results[1].get().value().first_row_id, 4);
  EXPECT_EQ(results[2].get().error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(results[3].get().value().first_row_id, 5);
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, FullQueueRefusesAndQueuesNothing) {
  GateClock gate;
  StoreOptions options = Options();
  options.clock = &gate;
  options.queue_batches = 2;
  OpenStore(options);
  Launch();
  gate.Close();
  std::promise<Result<Appended>> first;
  auto event = OneEvent(Draft(EventKind::kPromptRendered));
  ASSERT_TRUE(store_->AppendAsync(event, [&](Result<Appended> result) { first.set_value(std::move(result)); }));
  gate.WaitUntilReached();
  std::atomic<int> answered{0};
  auto count = [&](Result<Appended>) { ++answered; };
  EXPECT_TRUE(store_->AppendAsync(event, count));
  EXPECT_TRUE(store_->AppendAsync(event, count));
  EXPECT_EQ(store_->AppendAsync(event, count).error().code, ErrorCode::kOverloaded);
  gate.Open();
  ASSERT_TRUE(first.get_future().get());
  store_.reset();
  EXPECT_EQ(answered, 2);
}

TEST_F(StoreTest, ClosingCommitsAndAnswersWhatIsQueued) {
  OpenStore();
  Launch();
  std::atomic<int> committed{0};
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(store_->AppendAsync(OneEvent(Draft(EventKind::kPromptRendered)),
                                    [&](Result<Appended> result) { committed += result.has_value(); }));
  }
  store_.reset();
  EXPECT_EQ(committed, 500);
  EXPECT_EQ(OpenReader()->LastRowId().value(), 502);
}

TEST_F(StoreTest, AppendsFromManyThreadsFormOneUnbrokenChain) {
  OpenStore();
  Launch();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) {
        Batch batch;
        ASSERT_TRUE(batch.Add(Draft(EventKind::kPromptRendered)));
        ASSERT_TRUE(store_->Append(batch));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto report = VerifyAll();
  EXPECT_FALSE(report.first);
  EXPECT_EQ(report.events, 202);
}

TEST_F(StoreTest, EveryAppendThatIsAnsweredIsTimed) {
  OpenStore();
  EXPECT_EQ(store_->AppendTimes().all, 0);
  Launch();
  for (int i = 0; i < 3; ++i) MustAppend({Draft(EventKind::kPromptRendered)});
  const auto after = store_->AppendTimes();
  EXPECT_EQ(after.all, 5);
  EXPECT_GT(after.sum, Nanos(0));
  EXPECT_LE(after.at_most.back().second, after.all);
}

TEST_F(StoreTest, WaitForRowWakesWhenItIsCommitted) {
  OpenStore();
  Launch();
  EXPECT_TRUE(store_->WaitForRowAfter(1, Deadline::Never()));
  EXPECT_FALSE(store_->WaitForRowAfter(2, Deadline::At(SteadyTime{})));
  std::thread waiter([this] { EXPECT_TRUE(store_->WaitForRowAfter(2, Deadline::Never())); });
  MustAppend({Draft(EventKind::kPromptRendered)});
  waiter.join();
}

TEST_F(StoreTest, SecondSettledOutcomeOfACallIsRefused) {
  OpenStore();
  Launch();
  Call("call-1", "{}", "reply");
  auto again = Append({Draft(EventKind::kLlmOutcome, "call-1", "truncated")});
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(again.error().context, HasSubstr("llm_outcome \"call-1\""));
  // An attempt that ended otherwise is no second reply.
  EXPECT_TRUE(Append({Draft(EventKind::kLlmAttemptEnd, "call-1", "rate_limited")}));
  EXPECT_TRUE(Append({Draft(EventKind::kLlmOutcome, "call-2", "accepted")}));
}

// What settles a call is said twice: in the dialects' table of classes and in an index of the file, by name.
TEST_F(StoreTest, ClassesThatSettleACallAreThoseOfTheIndex) {
  using dialects::OutcomeClass;
  OpenStore();
  Launch();
  for (int i = 0; i <= static_cast<int>(OutcomeClass::kCancelled); ++i) {
    auto outcome = static_cast<OutcomeClass>(i);
    std::string label(dialects::OutcomeClassName(outcome));
    std::string call = "call-" + label;
    MustAppend({Draft(EventKind::kLlmIntent, call), Draft(EventKind::kLlmOutcome, call, label)});
    auto again = Append({Draft(EventKind::kLlmOutcome, call, label)});
    EXPECT_EQ(again.has_error(), dialects::IsModelBehaviour(outcome)) << label;
  }
}

TEST_F(StoreTest, SecondReportOfAnEvaluationIsRefused) {
  OpenStore();
  Launch();
  MustAppend({Draft(EventKind::kEvaluationIntent, "e-1", "refine"),
              Scored(Draft(EventKind::kEvaluationReport, "e-1", "OK"), 1.2, 1)});
  EXPECT_EQ(Append({Draft(EventKind::kEvaluationReport, "e-1", "OK")}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(Append({Draft(EventKind::kEvaluationIntent, "e-1", "refine")}).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(StoreTest, IdsCannotBeTakenTwice) {
  OpenStore();
  Launch();
  EXPECT_EQ(Append({Draft(EventKind::kCampaignLaunched, "other")}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(Append({Draft(EventKind::kTrajectoryStarted, "other")}).error().code, ErrorCode::kAlreadyExists);
  EventDraft foreign = Draft(EventKind::kCampaignLaunched, "second");
  foreign.campaign_id = "c-2";
  MustAppend({foreign});
  EventDraft stray = Draft(EventKind::kPromptRendered);
  stray.campaign_id = "c-2";
  EXPECT_THAT(Append({stray}).error().context, HasSubstr("belongs to campaign c-1"));
}

TEST_F(StoreTest, ContentThatNoEventNamesIsRefused) {
  OpenStore();
  Launch();
  Batch batch;
  ASSERT_TRUE(batch.AddBlob("stray"));
  ASSERT_TRUE(batch.Add(Draft(EventKind::kPromptRendered)));
  EXPECT_THAT(store_->Append(batch).error().context, HasSubstr("no event names content"));
}

TEST_F(StoreTest, RefToContentThatIsNotStoredIsRefused) {
  OpenStore();
  Launch();
  EventDraft draft = Draft(EventKind::kCandidate, "hash");
  draft.refs.push_back({"file:a.py", Sha256().Update("never stored").Finish()});
  EXPECT_THAT(Append({draft}).error().context, HasSubstr("file:a.py"));
}

TEST_F(StoreTest, FinishedTrajectoriesAndStatesAreChainedIntoTheCampaign) {
  OpenStore();
  Launch();
  MustAppend({Of("t-2", Draft(EventKind::kTrajectoryStarted, "silu"))});
  MustAppend({Scored(Draft(EventKind::kTrajectoryFinished, "hash", "solved"), 1.5, 2)});
  auto reader = OpenReader();
  auto chain = reader->Chain("c-1", "").value();
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[1].body.kind, EventKind::kCampaignHead);
  EXPECT_THAT(chain[1].body.payload, HasSubstr("t-1"));
  EXPECT_THAT(chain[1].body.payload, testing::Not(HasSubstr("t-2")));
  MustAppend({Draft(EventKind::kCampaignState, "", "finished")});
  chain = reader->Chain("c-1", "").value();
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_THAT(chain[3].body.payload, HasSubstr("t-1"));
  EXPECT_THAT(chain[3].body.payload, HasSubstr("t-2"));
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, LongCampaignHeadIsABlob) {
  OpenStore();
  Launch();
  for (int i = 10; i < 110; ++i) {
    MustAppend({Of("t-" + std::to_string(i), Draft(EventKind::kTrajectoryStarted, "x"))});
  }
  MustAppend({Draft(EventKind::kCampaignState, "", "running")});
  auto head = OpenReader()->Chain("c-1", "").value().back();
  EXPECT_GT(head.body.payload.size(), kInlinePayloadBytes);
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(StoreTest, SecondDaemonIsKeptOut) {
  OpenStore();
  auto second = Store::Open(Options());
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().context, HasSubstr(std::to_string(::getpid())));
  store_.reset();
  EXPECT_TRUE(Store::Open(Options()));
}

TEST_F(StoreTest, NewerFileIsRefusedByWriterAndReader) {
  OpenStore();
  Tamper("PRAGMA user_version = 99");
  for (const Error& error : {Store::Open(Options()).error(), Reader::Open(path_).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.context, HasSubstr("version 99"));
  }
}

TEST_F(StoreTest, ForeignFilesAreRefused) {
  Tamper("CREATE TABLE t (x)");
  EXPECT_THAT(Store::Open(Options()).error().context, HasSubstr("another program"));
  std::ofstream(path_, std::ios::trunc) << std::string(5000, 'x');
  EXPECT_EQ(Store::Open(Options()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Reader::Open(path_).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Reader::Open(path_ + "-none").error().code, ErrorCode::kNotFound);
}

TEST_F(StoreTest, FileIsNotReadableForOthers) {
  OpenStore();
  auto mode = std::filesystem::status(path_).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace passnet::trajectories
