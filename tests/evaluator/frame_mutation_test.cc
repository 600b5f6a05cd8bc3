// Every reader of frames from hostile processes, on frames that were real before they were changed: each ends as a value
// within its bounds or as an Error, and costs memory in proportion to what came. A crash, a hang, an exception or a
// sanitizer's finding is a failure by itself. PASSNET_FRAMES says how many (the slow label: 1,000,000; meant for the
// build with AddressSanitizer, `ctest --test-dir build/asan-ubsan -L slow`), PASSNET_FRAMES_FROM with which to begin.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>

#include "base/file.h"
#include "base/framing.h"
#include "evaluator/api/json.h"
#include "evaluator/api/lane_protocol.h"
#include "evaluator/lane/answers.h"
#include "evaluator/lane/output_headers.h"
#include "evaluator/lane/worker_channel.h"
#include "evaluator/worker/run_protocol.h"
#include "tests/evaluator/counted_memory.h"
#include "tests/evaluator/frame_mutator.h"
#include "tests/fakes/paths.h"

namespace passnet::evaluator {
namespace {

using fakes::FrameMutator;

constexpr uint32_t kMaxFrame = 1 << 20;
constexpr size_t kMaxErrorBytes = 4096;  // of an Error's text: it goes into logs and reports
// A value costs 40 bytes beside its text and a member 72, up to three times that while they are read (base/json.h); the
// shortest of them have two bytes of text.
constexpr size_t kMemoryPerByte = 110;
constexpr size_t kMemoryPerReportByte = 400;  // of a report: an empty graph is three bytes of text and half a kilobyte
constexpr size_t kMemoryOnce = 256 << 10;  // steps of a channel's reader, texts of errors

Deadline Soon() { return Deadline::After(std::chrono::seconds(60)); }

uint64_t Setting(const char* name, uint64_t standard) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : standard;
}

std::vector<std::string> RealFrames(const std::vector<std::string>& names) {
  std::vector<std::string> frames;
  for (const std::string& name : names) {
    frames.push_back(ReadFile(fakes::SourceDir() + "/tests/fixtures/frames/" + name + ".json", kMaxFrame).value());
  }
  return frames;
}

size_t OpenDescriptors() {
  std::filesystem::directory_iterator entries("/proc/self/fd"), end;
  return static_cast<size_t>(std::distance(entries, end));
}

// What is wrong with how a reader ended; empty when nothing is.
template <typename T>
std::string Complaint(const Result<T>& read, std::initializer_list<ErrorCode> allowed,
                      const std::function<bool(const T&)>& within) {
  if (read) return within(read.value()) ? "" : "the value is out of its bounds";
  if (read.error().context.size() > kMaxErrorBytes) return "the error is too long";
  for (ErrorCode code : allowed) {
    if (read.error().code == code) return "";
  }
  return "unexpected " + ToString(read.error()).substr(0, 200);
}

std::string AsScreen(const std::string& frame) {
  return Complaint<std::string>(ReadScreen(frame), {ErrorCode::kDataCorrupt, ErrorCode::kInternal},
                                [](const std::string& text) { return text.size() <= kMaxReasonBytes; });
}

std::string AsTrace(const std::string& frame) {
  return Complaint<TraceAnswer>(ReadTrace(frame), {ErrorCode::kDataCorrupt}, [&](const TraceAnswer& answer) {
    // It goes on to match children in one frame.
    return answer.errors.size() <= 101 && answer.traced.Dump().size() <= 8 * frame.size() + 64;
  });
}

std::string AsMatch(const std::string& frame) {
  return Complaint<Match>(ReadMatch(frame), {ErrorCode::kDataCorrupt}, [](const Match& match) {
    return match.miss.size() <= 2 * kMaxReasonBytes && match.matched_nodes >= 0 && match.coverage.value_or(0) >= 0 &&
           match.coverage.value_or(0) <= 1;
  });
}

std::string AsInstalled(const std::string& frame) {
  return Complaint<std::optional<CallFailure>>(
      ReadInstalled(frame), {ErrorCode::kDataCorrupt},
      [](const std::optional<CallFailure>& failure) { return !failure || failure->kind == CallFailureKind::kException; });
}

std::string AsWitness(const std::string& frame) {
  return Complaint<Witness>(ReadWitness(frame, 7), {ErrorCode::kDataCorrupt}, [](const Witness& witness) {
    return witness.operations.size() <= 256 && witness.kernels.size() <= 256 && witness.launches.calls.size() <= 64 &&
           !witness.failure;
  });
}

struct Kind {
  std::string name;
  std::function<std::string(const std::string&)> read;
  std::vector<std::string> frames;
};

std::vector<Kind> FramesOfWorkers() {
  return {{"screen", AsScreen, RealFrames({"screen_clean", "screen_findings", "error"})},
          {"trace", AsTrace, RealFrames({"trace_one", "trace_rope", "trace_errors", "trace_triton", "error"})},
          {"match", AsMatch, RealFrames({"match_plan", "match_miss", "error"})},
          {"installed", AsInstalled, RealFrames({"installed", "not_installed"})},
          {"witness", AsWitness, RealFrames({"witness"})}};
}

// The same frames unchanged: what honest processes say is taken.
TEST(FrameMutationTest, RealFramesAreRead) {
  EXPECT_EQ(ReadScreen(RealFrames({"screen_clean"})[0]).value(), "");
  EXPECT_NE(ReadScreen(RealFrames({"screen_findings"})[0]).value(), "");
  EXPECT_TRUE(ReadTrace(RealFrames({"trace_rope"})[0]).value().has_passes);
  EXPECT_EQ(ReadTrace(RealFrames({"trace_errors"})[0]).value().errors.size(), 1u);
  EXPECT_TRUE(ReadTrace(RealFrames({"trace_triton"})[0]).value().uses_triton);
  EXPECT_EQ(ReadMatch(RealFrames({"match_plan"})[0]).value().miss, "");
  EXPECT_NE(ReadMatch(RealFrames({"match_miss"})[0]).value().miss, "");
  EXPECT_EQ(ReadWitness(RealFrames({"witness"})[0], 7).value().operations.size(), 3u);
  EXPECT_EQ(ReadWitness(RealFrames({"witness"})[0], 7).value().launches.calls.size(), 1u);
  EXPECT_FALSE(ReadInstalled(RealFrames({"installed"})[0]).value());
  EXPECT_TRUE(ReadInstalled(RealFrames({"not_installed"})[0]).value());
}

TEST(FrameMutationTest, AnswersOfWorkersEndAsValuesOrErrors) {
  const std::vector<Kind> kinds = FramesOfWorkers();
  const uint64_t from = Setting("PASSNET_FRAMES_FROM", 0), count = Setting("PASSNET_FRAMES", 3000) / 2;
  constexpr size_t kLookedAt = 16;
  size_t taken = 0;
  for (uint64_t i = from; i < from + count; ++i) {
    FrameMutator mutator(i);
    const Kind& kind = kinds[mutator.Below(kinds.size())];
    const std::string frame = mutator.Text(kind.frames[mutator.Below(kind.frames.size())], kind.frames);
    // A frame of one kind may come where another is waited for.
    const Kind& reader = mutator.OneIn(8) ? kinds[mutator.Below(kinds.size())] : kind;
    fakes::ResetPeakMemory();
    const std::string complaint = reader.read(frame);
    ASSERT_EQ(complaint, "") << reader.name << ", frame " << i << ": " << frame.substr(0, 500);
    ASSERT_LE(fakes::PeakMemory(), kMemoryPerByte * frame.size() + kMemoryOnce)
        << reader.name << ", frame " << i << " of " << frame.size() << " bytes: " << frame.substr(0, 500);
    if (i % kLookedAt == 0) taken += ParseJson(frame) ? 1 : 0;
  }
  // Were they all torn at the first byte, the readers behind the parser were never tried.
  EXPECT_GT(taken * kLookedAt, count / 3);
}

// One end of a socket that a stranger writes to and closes.
class Stranger {
 public:
  Stranger() {
    auto ends = WorkerChannel::Pair().value();
    ours_ = std::move(ends.first);
    theirs_ = std::move(ends.second);
  }
  // With `fds` descriptors on its first byte. What has no room is lost with the rest.
  void Say(const std::string& bytes, size_t fds) {
    const UniqueFd null(fds > 0 ? ::open("/dev/null", O_RDONLY | O_CLOEXEC) : -1);
    const std::vector<int> numbers(fds, null.get());
    std::vector<char> control(CMSG_SPACE(fds * sizeof(int)));
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fds > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds * sizeof(int));
      std::memcpy(CMSG_DATA(header), numbers.data(), fds * sizeof(int));
    }
    (void)::sendmsg(theirs_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  void Go() { theirs_.Reset(); }
  UniqueFd TakeOurs() { return std::move(ours_); }

 private:
  UniqueFd ours_, theirs_;
};

std::string RunReply(FrameMutator& mutator, uint64_t nonce) {
  PnRunReply reply{nonce, PN_STATUS_OK, 1, 1};
  if (mutator.OneIn(2)) reply.status = PN_STATUS_EXCEPTION;
  if (mutator.OneIn(4)) reply.status = static_cast<uint32_t>(mutator.Below(1u << 31));
  if (mutator.OneIn(4)) reply.nonce ^= uint64_t{1} << mutator.Below(64);
  std::string bytes(reinterpret_cast<const char*>(&reply), sizeof reply);
  if (mutator.OneIn(8)) bytes.resize(mutator.Below(bytes.size()));
  if (reply.status == PN_STATUS_EXCEPTION) bytes += mutator.Framed("Traceback\nValueError: x\n");
  return bytes;
}

// Frames and run answers in any order, lengths that lie, descriptors, an end in the middle.
TEST(FrameMutationTest, StreamsOfWorkersEndAsValuesOrErrors) {
  const std::vector<Kind> kinds = FramesOfWorkers();
  const uint64_t from = Setting("PASSNET_FRAMES_FROM", 0), count = Setting("PASSNET_FRAMES", 3000) / 4;
  const size_t open = OpenDescriptors();
  for (uint64_t i = from; i < from + count; ++i) {
    FrameMutator mutator(~i);
    std::vector<std::string> said;
    size_t bytes = 0;
    for (size_t pieces = mutator.Below(3) + 1; pieces > 0; --pieces) {
      const Kind& kind = kinds[mutator.Below(kinds.size())];
      std::string text = kind.frames[mutator.Below(kind.frames.size())];
      if (mutator.OneIn(2)) text = mutator.Text(std::move(text), kind.frames);
      said.push_back(mutator.OneIn(3) ? RunReply(mutator, i) : mutator.Framed(text));
      bytes += said.back().size();
    }
    mutator.Shuffle(&said);
    Stranger stranger;
    for (const std::string& piece : said) stranger.Say(piece, mutator.OneIn(16) ? mutator.Below(253) + 1 : 0);
    WorkerChannel channel(stranger.TakeOurs());
    if (mutator.OneIn(8)) (void)channel.SendRun(PN_RUN_CALL, 0, 1, i);  // unread when it goes: a reset
    stranger.Go();
    fakes::ResetPeakMemory();
    for (int reads = 0; reads < 8; ++reads) {
      const bool run = mutator.OneIn(3);
      std::optional<Error> error;
      if (run) {
        if (auto answer = channel.ReceiveRun(i, Soon()); !answer) error = answer.error();
      } else {
        if (auto frame = channel.ReceiveFrame(Soon(), kMaxFrame, mutator.OneIn(4)); !frame) error = frame.error();
      }
      if (!error) continue;
      ASSERT_TRUE(error->code == ErrorCode::kDataCorrupt || error->code == ErrorCode::kUnavailable)
          << "stream " << i << ": " << ToString(*error);
      break;
    }
    ASSERT_LE(fakes::PeakMemory(), 4 * bytes + kMemoryOnce) << "stream " << i;
  }
  EXPECT_EQ(OpenDescriptors(), open);
}

// Two outputs a call: one in row-major order, one that lies transposed, with a dimension of one element.
SlotLayout SomeLayout() {
  SlotLayout layout;
  layout.slots = 3;
  layout.outputs = {{"float32", ScalarTypeOf("float32"), {4, 5}, {5, 1}, -1, 80, 20},
                    {"int64", ScalarTypeOf("int64"), {3, 1, 2}, {1, 3, 3}, -1, 48, 6}};
  layout.out_stride = (sizeof(PnSlotHeader) + 2 * sizeof(PnOutputHeader) + 63) / 64 * 64;
  return layout;
}

PnOutputHeader HonestHeader(const SlotOutput& output, uint64_t data) {
  PnOutputHeader header{};
  header.kind = PN_OUTPUT_TENSOR;
  header.scalar_type = output.scalar_type;
  header.ndim = static_cast<int32_t>(output.shape.size());
  header.data = data;
  std::copy(output.shape.begin(), output.shape.end(), header.shape);
  std::copy(output.strides.begin(), output.strides.end(), header.strides);
  return header;
}

std::vector<std::byte> HonestHeaders(const SlotLayout& layout) {
  std::vector<std::byte> region(layout.OutBytes());
  for (uint32_t slot = 0; slot < layout.slots; ++slot) {
    std::byte* to = region.data() + slot * layout.out_stride;
    const PnSlotHeader header{static_cast<uint32_t>(layout.outputs.size()), {}};
    std::memcpy(to, &header, sizeof header);
    for (size_t i = 0; i < layout.outputs.size(); ++i) {
      const PnOutputHeader output = HonestHeader(layout.outputs[i], 0x7f0000000000 + 4096 * (2 * slot + i));
      std::memcpy(to + sizeof header + i * sizeof output, &output, sizeof output);
    }
  }
  return region;
}

// Fields of any width at any place, strides most of all: the rest is refused at the first look.
void Mutate(FrameMutator& mutator, const SlotLayout& layout, std::vector<std::byte>* region) {
  constexpr int64_t kOdd[] = {0, 1, 2, 3, 5, 6, 15, 20, 64, 1000, 1033, -1, INT32_MAX, INT32_MIN, int64_t{1} << 32,
                              int64_t{1} << 61, int64_t{1} << 62, INT64_MAX, INT64_MAX - 3, INT64_MIN};
  for (size_t changes = mutator.Below(3) + 1; changes > 0; --changes) {
    const int64_t value = kOdd[mutator.Below(std::size(kOdd))];
    const size_t width = mutator.OneIn(3) ? sizeof(int32_t) : sizeof(int64_t);
    size_t at = mutator.Below(region->size() - sizeof value);
    if (!mutator.OneIn(3)) {
      at = mutator.Below(layout.slots) * layout.out_stride + sizeof(PnSlotHeader) +
           mutator.Below(layout.outputs.size()) * sizeof(PnOutputHeader) + offsetof(PnOutputHeader, strides) +
           mutator.Below(3) * sizeof(int64_t);
    }
    std::memcpy(region->data() + at, &value, width);
  }
}

// What is wrong with what was taken out of the headers: memory that no such output may span, or elements outside it.
std::string WrongIn(const SlotLayout& layout, const std::vector<bool>& checked, const OutputBatch& batch, size_t total) {
  for (size_t at = 0; at < batch.outputs.size(); ++at) {
    const ClaimedOutput& output = batch.outputs[at];
    const SlotOutput& expected = layout.outputs[at % layout.outputs.size()];
    if (output.extent == 0) continue;
    const bool kept = checked[at / layout.outputs.size()];
    if (output.extent > MostBytes(expected) || output.offset > total || (kept && output.extent > total - output.offset)) {
      return "output " + std::to_string(at) + " spans " + std::to_string(output.extent) + " bytes";
    }
    // As large as it was measured, so that AddressSanitizer sees a byte beyond it.
    const std::vector<std::byte> storage(output.extent);
    std::vector<std::byte> gathered;
    (void)RowMajor(storage.data(), output.header.strides, expected.shape, WidthOf(expected), expected.elements, &gathered);
    __int128 last = 0;
    for (size_t d = 0; d < expected.shape.size(); ++d) {
      last += static_cast<__int128>(expected.shape[d] - 1) * output.header.strides[d];
    }
    if (last < 0 || (last + 1) * WidthOf(expected) > output.extent) {
      return "output " + std::to_string(at) + " has an element outside of it";
    }
  }
  return "";
}

size_t CountTaken(const OutputBatch& batch) {
  return static_cast<size_t>(
      std::count_if(batch.outputs.begin(), batch.outputs.end(), [](const auto& output) { return output.extent > 0; }));
}

TEST(FrameMutationTest, HeadersOfOutputsAreBoundedBeforeAnythingIsRead) {
  const SlotLayout layout = SomeLayout();
  const std::vector<std::byte> honest = HonestHeaders(layout);
  OutputBatch batch;
  const std::vector<bool> all(layout.slots, true);
  const size_t honest_total = ReadHeaders(layout, false, honest, all, &batch);
  ASSERT_EQ(WrongIn(layout, all, batch, honest_total), "");
  ASSERT_EQ(CountTaken(batch), 6u);
  const uint64_t from = Setting("PASSNET_FRAMES_FROM", 0), count = Setting("PASSNET_FRAMES", 3000);
  size_t taken = 0;
  for (uint64_t i = from; i < from + count; ++i) {
    FrameMutator mutator(i << 16);
    std::vector<std::byte> region = honest;
    Mutate(mutator, layout, &region);
    const bool any_layout = mutator.OneIn(2);
    const std::vector<bool> checked = {true, mutator.OneIn(2), true};
    fakes::ResetPeakMemory();
    const size_t total = ReadHeaders(layout, any_layout, region, checked, &batch);
    ASSERT_LE(fakes::PeakMemory(), kMemoryOnce) << "headers " << i;
    ASSERT_EQ(WrongIn(layout, checked, batch, total), "") << "headers " << i;
    taken += CountTaken(batch);
  }
  // Most outputs of most calls were left as they were.
  EXPECT_GT(taken, 3 * count);
  EXPECT_LT(taken, 6 * count);
}

// The frames of a message, as it is written.
std::vector<std::string> FramesOf(const std::function<Status(int)>& send) {
  auto ends = WorkerChannel::Pair().value();
  EXPECT_TRUE(send(ends.first.get()));
  ends.first.Reset();
  std::vector<std::string> frames;
  while (auto frame = ReadFrame(ends.second.get(), Soon())) frames.push_back(std::move(frame).value());
  return frames;
}

EvaluationReport SomeReport() {
  EvaluationReport report;
  report.evaluation_id = "e";
  report.task = "rope";
  report.verdict = Verdict::kMiss;
  report.reason = "no pattern matched";
  report.aggregated_score = 0.1;
  report.es = {{-10, 0.1}, {4, 1.0}};
  GraphReport graph;
  graph.path = "graphs/float32_0/rope_start0_end5_0";
  graph.speedup_call = 1.25;
  graph.control = 0.99;
  graph.tolerances_ok = {-5, -4};
  graph.output_dtypes = {"float32"};
  report.graphs = {graph, graph};
  report.compile = {{"k.cc", false, false, 0.2, "k.cc:1: error: x"}};
  report.sandbox = {"cgroup-v1", {"seccomp: 2 filters"}};
  report.environment = {{"torch", "2.13.0"}};
  report.timings_ms = {{"total", 3.0}};
  return report;
}

using Message = std::vector<std::string>;  // header and contents

std::vector<Message> Requests() {
  EvaluateRequest evaluate;
  evaluate.evaluation_id = "e";
  evaluate.task.path = "tasks/rope";
  evaluate.files = {{"A.py", "x = 1\n"}, {"k.cc", std::string("\xff\0 raw", 6)}};
  BaselineRequest baseline;
  baseline.task.path = "tasks/rope";
  return {FramesOf([&](int fd) { return SendRequest(fd, evaluate, Soon()); }),
          FramesOf([&](int fd) { return SendRequest(fd, baseline, Soon()); }),
          FramesOf([&](int fd) { return SendRequest(fd, DescribeTaskRequest{.task = {"tasks/rope"}}, Soon()); }),
          FramesOf([&](int fd) { return SendCancel(fd, Soon()); })};
}

std::vector<Message> Replies() {
  BaselineReport baseline;
  baseline.graphs = SomeReport().graphs;
  TaskDescription task;
  task.graphs.resize(1);
  task.graphs[0].ops = {{"add", "call_function", "_operator.add", "x, y", "f32[2]", true, 0.5}};
  return {FramesOf([&](int fd) { return SendReport(fd, ToJsonValue(SomeReport()), Soon()); }),
          FramesOf([&](int fd) { return SendReport(fd, ToJsonValue(baseline), Soon()); }),
          FramesOf([&](int fd) { return SendReport(fd, ToJsonValue(task), Soon()); }),
          FramesOf([&](int fd) { return SendProgress(fd, {"graph a", 1, 3}, Soon()); }),
          FramesOf([&](int fd) { return SendFailure(fd, NotFound("no task"), Soon()); }),
          FramesOf([&](int fd) { return SendGreeting(fd, {"1.0", {{"torch", "2"}}}, Soon()); }),
          FramesOf([&](int fd) { return SendRefusal(fd, Internal("no namespaces"), Soon()); })};
}

// What is wrong with how any reader of the lane protocol ended.
std::string AsLaneMessage(int fd, size_t reader) {
  const auto broken = {ErrorCode::kDataCorrupt, ErrorCode::kUnavailable};
  if (reader == 0) {
    return Complaint<LaneRequest>(ReceiveRequest(fd, Soon()),
                                  {ErrorCode::kDataCorrupt, ErrorCode::kUnavailable, ErrorCode::kInvalidArgument},
                                  [](const LaneRequest&) { return true; });
  }
  if (reader == 1) {
    auto greeting = ReceiveGreeting(fd, Soon());
    if (!greeting && greeting.error().context.starts_with("the lane cannot start: ")) return "";
    return Complaint<Greeting>(greeting, broken, [](const Greeting&) { return true; });
  }
  auto reply = ReceiveReply(fd, Soon());
  if (const auto* report = reply ? std::get_if<Json>(&reply.value()) : nullptr) {
    const auto any = [](const auto&) { return true; };
    const auto bad = {ErrorCode::kInvalidArgument};
    if (reader == 2) return Complaint<EvaluationReport>(FromJsonValue<EvaluationReport>(*report), bad, any);
    if (reader == 3) return Complaint<BaselineReport>(FromJsonValue<BaselineReport>(*report), bad, any);
    return Complaint<TaskDescription>(FromJsonValue<TaskDescription>(*report), bad, any);
  }
  return Complaint<LaneReply>(reply, broken, [](const LaneReply&) { return true; });
}

TEST(FrameMutationTest, LaneMessagesEndAsValuesOrErrors) {
  const std::vector<Message> requests = Requests(), replies = Replies();
  std::vector<std::string> headers;
  for (const Message& message : replies) headers.push_back(message[0]);
  const uint64_t from = Setting("PASSNET_FRAMES_FROM", 0), count = Setting("PASSNET_FRAMES", 3000) / 4;
  const size_t open = OpenDescriptors();
  for (uint64_t i = from; i < from + count; ++i) {
    FrameMutator mutator(i << 32);
    const bool asks = mutator.OneIn(3);
    const std::vector<Message>& messages = asks ? requests : replies;
    Message message = messages[mutator.Below(messages.size())];
    if (!mutator.OneIn(4)) message[0] = mutator.Text(std::move(message[0]), headers);
    if (mutator.OneIn(4)) mutator.Shuffle(&message);
    std::string bytes;
    for (const std::string& frame : message) bytes += mutator.Framed(frame);
    Stranger stranger;
    stranger.Say(bytes, 0);
    stranger.Go();
    const UniqueFd ours = stranger.TakeOurs();
    const size_t reader = asks ? 0 : mutator.Below(4) + 1;
    fakes::ResetPeakMemory();
    const std::string complaint = AsLaneMessage(ours.get(), reader);
    ASSERT_EQ(complaint, "") << "reader " << reader << ", message " << i << ": " << bytes.substr(4, 500);
    ASSERT_LE(fakes::PeakMemory(), kMemoryPerReportByte * bytes.size() + kMemoryOnce)
        << "reader " << reader << ", message " << i << " of " << bytes.size() << " bytes";
  }
  EXPECT_EQ(OpenDescriptors(), open);
}

}  // namespace
}  // namespace passnet::evaluator
