#include "trajectories/event.h"

#include <array>
#include <cmath>
#include <cstring>

namespace passnet::trajectories {
namespace {

enum class Chain { kCampaign, kTrajectory, kEither };

struct KindFacts {
  EventKind kind;
  std::string_view name;
  Chain chain;
};

// Names are persisted: never change one.
constexpr std::array kKinds = {
    KindFacts{EventKind::kCampaignLaunched, "campaign_launched", Chain::kCampaign},
    KindFacts{EventKind::kCampaignTask, "campaign_task", Chain::kCampaign},
    KindFacts{EventKind::kCampaignState, "campaign_state", Chain::kCampaign},
    KindFacts{EventKind::kCampaignHead, "campaign_head", Chain::kCampaign},
    KindFacts{EventKind::kEnvironment, "environment", Chain::kEither},
    KindFacts{EventKind::kOperatorAction, "operator_action", Chain::kEither},
    KindFacts{EventKind::kBudget, "budget", Chain::kEither},
    KindFacts{EventKind::kInfra, "infra", Chain::kEither},
    KindFacts{EventKind::kTrajectoryStarted, "trajectory_started", Chain::kTrajectory},
    KindFacts{EventKind::kPromptRendered, "prompt_rendered", Chain::kTrajectory},
    KindFacts{EventKind::kLlmIntent, "llm_intent", Chain::kTrajectory},
    KindFacts{EventKind::kLlmAttempt, "llm_attempt", Chain::kTrajectory},
    KindFacts{EventKind::kLlmAttemptEnd, "llm_attempt_end", Chain::kTrajectory},
    KindFacts{EventKind::kLlmOutcome, "llm_outcome", Chain::kTrajectory},
    KindFacts{EventKind::kLlmLost, "llm_lost", Chain::kTrajectory},
    KindFacts{EventKind::kReplyParsed, "reply_parsed", Chain::kTrajectory},
    KindFacts{EventKind::kCandidate, "candidate", Chain::kTrajectory},
    KindFacts{EventKind::kCompile, "compile", Chain::kTrajectory},
    KindFacts{EventKind::kEvaluationIntent, "evaluation_intent", Chain::kTrajectory},
    KindFacts{EventKind::kEvaluationReport, "evaluation_report", Chain::kTrajectory},
    KindFacts{EventKind::kEvaluationInfra, "evaluation_infra", Chain::kTrajectory},
    KindFacts{EventKind::kFeedback, "feedback", Chain::kTrajectory},
    KindFacts{EventKind::kToolCall, "tool_call", Chain::kTrajectory},
    KindFacts{EventKind::kToolResult, "tool_result", Chain::kTrajectory},
    KindFacts{EventKind::kBaseline, "baseline", Chain::kTrajectory},
    KindFacts{EventKind::kTrajectoryFinished, "trajectory_finished", Chain::kTrajectory},
};

constexpr bool TableIsInEnumOrder() {
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (static_cast<size_t>(kKinds[i].kind) != i) return false;
  }
  return static_cast<size_t>(EventKind::kTrajectoryFinished) + 1 == kKinds.size();
}
static_assert(TableIsInEnumOrder());

const KindFacts& FactsOf(EventKind kind) { return kKinds[static_cast<size_t>(kind)]; }

// Chosen: ids are 30 characters; names of tasks and evaluation ids are shorter than a path component can be.
constexpr size_t kMaxIdBytes = 128;
constexpr size_t kMaxTextBytes = 1024;
constexpr size_t kMaxRefs = 4096;
constexpr size_t kMaxPayloadBytes = size_t{64} << 20;  // a blob's limit (batch.h)

std::string_view BytesOf(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void AddNumber(Sha256& sha, int64_t number) {
  char bytes[8];
  auto bits = static_cast<uint64_t>(number);
  for (char& byte : bytes) {
    byte = static_cast<char>(bits & 0xFF);
    bits >>= 8;
  }
  sha.UpdateField({bytes, sizeof bytes});
}

void AddNumber(Sha256& sha, const std::optional<int64_t>& number) {
  if (number) {
    AddNumber(sha, *number);
  } else {
    sha.UpdateField({});
  }
}

void AddNumber(Sha256& sha, const std::optional<double>& number) {
  if (!number) {
    sha.UpdateField({});
    return;
  }
  int64_t bits;
  static_assert(sizeof bits == sizeof *number);
  std::memcpy(&bits, &*number, sizeof bits);
  AddNumber(sha, bits);
}

Error Bad(const EventDraft& draft, std::string_view field, std::string_view problem) {
  return InvalidArgument("journal event " + std::string(EventKindName(draft.kind)) + ": " + std::string(field) + " " +
                         std::string(problem));
}

Status CheckText(const EventDraft& draft, std::string_view field, std::string_view text, size_t limit) {
  if (text.size() > limit) return Bad(draft, field, "is longer than " + std::to_string(limit) + " bytes");
  if (text.find('\0') != std::string_view::npos) return Bad(draft, field, "holds a NUL byte");
  return OkStatus();
}

// Ids stand in head strings, paths, URLs and our own JSON without any escaping.
Status CheckId(const EventDraft& draft, std::string_view field, std::string_view id) {
  if (id.size() > kMaxIdBytes) return Bad(draft, field, "is longer than " + std::to_string(kMaxIdBytes) + " bytes");
  for (char c : id) {
    bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                   c == '_' || c == '.';
    if (!allowed) return Bad(draft, field, "holds a character other than letters, digits, '-', '_' and '.'");
  }
  return OkStatus();
}

// Kinds whose subject is what a unique index or the state fold goes by.
bool NeedsSubject(EventKind kind) {
  switch (kind) {
    case EventKind::kLlmIntent:
    case EventKind::kLlmAttempt:
    case EventKind::kLlmAttemptEnd:
    case EventKind::kLlmOutcome:
    case EventKind::kLlmLost:
    case EventKind::kEvaluationIntent:
    case EventKind::kEvaluationReport:
    case EventKind::kEvaluationInfra:
    case EventKind::kToolCall:
    case EventKind::kToolResult:
    case EventKind::kTrajectoryStarted:
    case EventKind::kCampaignTask:
      return true;
    default:
      return false;
  }
}

bool NeedsLabel(EventKind kind) {
  switch (kind) {
    case EventKind::kCampaignState:
    case EventKind::kLlmOutcome:
    case EventKind::kEvaluationReport:
    case EventKind::kTrajectoryFinished:
      return true;
    default:
      return false;
  }
}

Status CheckChain(const EventDraft& draft) {
  if (draft.campaign_id.empty()) return Bad(draft, "campaign_id", "is empty");
  if (draft.trajectory_id.empty() && !IsCampaignKind(draft.kind)) return Bad(draft, "trajectory_id", "is empty");
  if (!draft.trajectory_id.empty() && !IsTrajectoryKind(draft.kind)) {
    return Bad(draft, "trajectory_id", "is set, but the kind belongs to a campaign");
  }
  return OkStatus();
}

Status CheckNumbers(const EventDraft& draft) {
  // SQLite would keep a NaN as NULL, and the hash would not agree with what is read back.
  if (draft.score && !std::isfinite(*draft.score)) return Bad(draft, "score", "is not a finite number");
  for (const auto& count : {draft.round, draft.prompt_tokens, draft.completion_tokens, draft.cost_microusd}) {
    if (count && *count < 0) return Bad(draft, "round, token count or cost", "is negative");
  }
  return OkStatus();
}

}  // namespace

std::string_view EventKindName(EventKind kind) { return FactsOf(kind).name; }

std::optional<EventKind> EventKindFromName(std::string_view name) {
  for (const KindFacts& facts : kKinds) {
    if (facts.name == name) return facts.kind;
  }
  return std::nullopt;
}

bool IsCampaignKind(EventKind kind) { return FactsOf(kind).chain != Chain::kTrajectory; }
bool IsTrajectoryKind(EventKind kind) { return FactsOf(kind).chain != Chain::kCampaign; }

Sha256Digest HashOf(const Event& event) {
  const EventDraft& body = event.body;
  Sha256 sha;
  sha.UpdateField("passnet.event/1");
  AddNumber(sha, event.row_id);
  AddNumber(sha, event.seq);
  AddNumber(sha, event.at_utc_us);
  sha.UpdateField(body.campaign_id).UpdateField(body.trajectory_id).UpdateField(EventKindName(body.kind));
  sha.UpdateField(body.subject).UpdateField(body.label);
  AddNumber(sha, body.round);
  AddNumber(sha, body.prompt_tokens);
  AddNumber(sha, body.completion_tokens);
  AddNumber(sha, body.cost_microusd);
  AddNumber(sha, body.score);
  AddNumber(sha, static_cast<int64_t>(body.refs.size()));
  for (const ContentRef& ref : body.refs) sha.UpdateField(ref.name).UpdateField(BytesOf(ref.sha256));
  sha.UpdateField(BytesOf(event.payload_sha256)).UpdateField(BytesOf(event.prev_hash));
  return sha.Finish();
}

Status Validate(const EventDraft& draft) {
  RETURN_IF_ERROR(CheckChain(draft));
  RETURN_IF_ERROR(CheckId(draft, "campaign_id", draft.campaign_id));
  RETURN_IF_ERROR(CheckId(draft, "trajectory_id", draft.trajectory_id));
  RETURN_IF_ERROR(CheckText(draft, "subject", draft.subject, kMaxTextBytes));
  RETURN_IF_ERROR(CheckText(draft, "label", draft.label, kMaxTextBytes));
  if (NeedsSubject(draft.kind) && draft.subject.empty()) return Bad(draft, "subject", "is empty");
  if (NeedsLabel(draft.kind) && draft.label.empty()) return Bad(draft, "label", "is empty");
  if (draft.kind == EventKind::kCampaignHead) return Bad(draft, "kind", "is written by the store alone");
  RETURN_IF_ERROR(CheckNumbers(draft));
  if (draft.refs.size() > kMaxRefs) return Bad(draft, "refs", "are more than " + std::to_string(kMaxRefs));
  for (const ContentRef& ref : draft.refs) RETURN_IF_ERROR(CheckText(draft, "ref name", ref.name, kMaxTextBytes));
  if (draft.payload.size() > kMaxPayloadBytes) return Bad(draft, "payload", "is larger than 64 MiB");
  return OkStatus();
}

}  // namespace passnet::trajectories
