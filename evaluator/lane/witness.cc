#include "evaluator/lane/witness.h"

#include <algorithm>

#include "base/ids.h"
#include "evaluator/lane/answers.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

constexpr uint32_t kMostCalls = 8;
constexpr double kMostMicros = 50'000;  // of eager's time for the calls of a run: at least one call
constexpr uint32_t kMaxToldBytes = 1u << 20;
constexpr std::chrono::seconds kTellLimit{30};

uint32_t CallsOf(const GraphFacts& facts) {
  const double fit = kMostMicros / std::max(facts.estimate_us, 1.0);
  return static_cast<uint32_t>(std::clamp<double>(fit, 1, std::min(kMostCalls, facts.layout.slots)));
}

// As a block of a round is drawn: plain and strayed calls.
std::vector<std::byte> InputsOfCalls(const GraphFacts& facts, const SlotLayout& layout) {
  SecretStream draws;
  std::vector<std::byte> bytes(layout.InBytes());
  for (uint32_t slot = 0; slot < layout.slots; ++slot) {
    const bool stray = facts.plain_alike || draws.Below(2) == 0;
    DrawCall(layout, slot, stray ? DrawKind::kStrayed : DrawKind::kPlain, facts.published, draws, bytes);
  }
  return bytes;
}

class Hearing {
 public:
  explicit Hearing(const WitnessRequest& request)
      : request_(request), layout_(LayoutOf(request.facts)), comparer_(layout_, request.facts.mutated) {}

  Result<Witness> Run() {
    ASSIGN_OR_RETURN(Side side, Side::Create(layout_, request_.device));
    ASSIGN_OR_RETURN(witness_.failure, request_.make(side));
    if (witness_.failure) return std::move(witness_);
    inputs_ = InputsOfCalls(request_.facts, layout_);
    ASSIGN_OR_RETURN(bool made, Calls(side, PN_OBSERVE_CENSUS, &answers_));
    if (!made) {
      witness_.failure = side.failure();
      return std::move(witness_);
    }
    auto told = Told(side);
    if (!told) {
      Error error = side.NoteFailure(told.error());
      witness_.failure = side.failure();
      if (!witness_.failure) return error;
      return std::move(witness_);
    }
    witness_ = std::move(told).value();
    witness_.calls = static_cast<int>(layout_.slots);
    witness_.functions_a_call = request_.functions_a_call;
    witness_.call_bytes = layout_.CallBytes();
    if (!witness_.kernels.empty()) {
      ASSIGN_OR_RETURN(witness_.same_without_kernels, SameWithoutKernels(side));
    }
    return std::move(witness_);
  }

 private:
  static SlotLayout LayoutOf(const GraphFacts& facts) {
    SlotLayout layout = facts.layout;
    layout.slots = CallsOf(facts);
    return layout;
  }

  // All slots once; false where the candidate failed.
  Result<bool> Calls(Side& side, uint32_t observe, OutputBatch* answers) {
    const std::vector<bool> all(layout_.slots, true);
    side.Keep(comparer_.Finder(all));
    RETURN_IF_ERROR(side.Fill(inputs_));
    auto time = side.Run(PN_RUN_CALL, layout_.slots, Deadline::After(request_.call_limit), observe);
    Status taken = time ? comparer_.Read(side, all, answers) : OkStatus();
    if (time && taken) return true;
    Error error = time ? side.NoteFailure(taken.error()) : std::move(time).error();
    if (!side.failure()) return error;
    return false;
  }

  Result<Witness> Told(Side& side) {
    uint64_t nonce = 0;
    FillRandom(&nonce, sizeof nonce);
    nonce >>= 1;  // a signed integer in JSON
    WorkerProcess& process = side.process();
    RETURN_IF_ERROR(process.channel().SendRun(PN_RUN_TELL, 0, 0, nonce));
    RETURN_IF_ERROR(process.Continue());
    ASSIGN_OR_RETURN(FrameWithFds frame, process.channel().ReceiveFrame(Deadline::After(kTellLimit), kMaxToldBytes));
    RETURN_IF_ERROR(process.Stop());
    return ReadWitness(frame.json, nonce);
  }

  // A call that fails without its kernels needs them, whatever it fails of.
  Result<bool> SameWithoutKernels(Side& side) {
    OutputBatch ghosts;
    ASSIGN_OR_RETURN(bool made, Calls(side, PN_OBSERVE_GHOST, &ghosts));
    if (!made) return false;
    for (uint32_t slot = 0; slot < layout_.slots; ++slot) {
      // An answer that is not even one by itself is no measure of another.
      ASSIGN_OR_RETURN(const OutputComparison itself, comparer_.Compare(answers_, answers_, slot));
      if (itself.match != OutputMatch::kCompared) return false;
      ASSIGN_OR_RETURN(const OutputComparison without, comparer_.Compare(answers_, ghosts, slot));
      if (without.Level() > kStandardLevel) return false;
    }
    return true;
  }

  const WitnessRequest& request_;
  const SlotLayout layout_;
  const OutputComparer comparer_;
  std::vector<std::byte> inputs_;
  OutputBatch answers_;
  Witness witness_;
};

}  // namespace

Result<Witness> Testify(const WitnessRequest& request) { return Hearing(request).Run(); }

}  // namespace passnet::evaluator
