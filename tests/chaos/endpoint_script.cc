#include "tests/chaos/endpoint_script.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "evaluator/api/evaluation.h"
#include "recorded_llm/wire.h"
#include "tests/chaos/random.h"

namespace passnet::chaos {
namespace {

using recorded_llm::Completion;
using recorded_llm::Wire;
using Ending = ScriptedAnswer::Ending;

constexpr size_t kNestedBytes = 440'000;      // what once ended a daemon, and every later start of it
constexpr size_t kHugeBytes = size_t{3} << 20;
constexpr int64_t kMostCompletion = 16'384;   // tokens: what campaigns allow for a reply
constexpr size_t kEventBytes = 64;            // of text in one event of a stream

// An answer while it is made: first the honest one, then what its kind does to it.
struct Composition {
  explicit Composition(Random drawn) : random(std::move(drawn)) {}

  Random random;
  const Wire* wire = nullptr;
  Completion completion;
  bool stream = false;

  int status = 200;
  std::string content_type;
  std::vector<std::string> header_lines;
  std::vector<std::string> pieces;  // of the body; of a stream each is a chunk

  ScriptedAnswer answer;
};

std::string Body(const Composition& made) {
  std::string body;
  for (const std::string& piece : made.pieces) body += piece;
  return body;
}

// ---- honest answers

Grade DrawGrade(Random* random) {
  using evaluator::Verdict;
  const int64_t drawn = random->Below(20);
  Verdict verdict = Verdict::kOk;
  if (drawn >= 14) verdict = Verdict::kIncorrect;
  if (drawn >= 17) verdict = Verdict::kMiss;
  if (drawn >= 19) verdict = Verdict::kCompile;
  // Exact in binary and in six digits, so that it comes back as it was.
  return {evaluator::VerdictName(verdict), 0.5 + 0.25 * static_cast<double>(random->Below(11))};
}

// A candidate that the lane grades as it says itself (tests/fakes/fake_lane.h).
std::string CandidateText(const Grade& grade, int64_t number) {
  char plan[128];
  std::snprintf(plan, sizeof plan, "{\"verdict\": \"%s\", \"speedup\": %.2f}", grade.verdict.c_str(), grade.speedup);
  return "Here it is.\n#### FILE: sorted_output_pass_rule_names.json\n```json\n[\"A\"]\n```\n"
         "#### FILE: A.py\n```python\nimport torch  # " + std::to_string(number) + "\n```\n"
         "#### FILE: plan.json\n```json\n" + plan + "\n```\n";
}

void Render(Composition* made) {
  made->status = 200;
  made->content_type = made->stream ? "text/event-stream" : "application/json";
  made->pieces = made->stream ? made->wire->events(made->completion, kEventBytes)
                              : std::vector<std::string>{made->wire->message(made->completion)};
}

void SetUsage(const Tokens& tokens, Composition* made) {
  made->completion.usage = {tokens.prompt, tokens.completion};
  made->answer.entry.billed = tokens;
  const bool tells = !made->stream || made->completion.usage_in_stream;
  made->answer.entry.told = tells ? std::optional(tokens) : std::nullopt;
}

void MakeHonest(size_t request_bytes, Composition* made) {
  LedgerEntry& entry = made->answer.entry;
  entry.grade = DrawGrade(&made->random);
  made->completion.id = std::string(made->wire->id_prefix) + RequestId(entry.number);
  made->completion.content = CandidateText(*entry.grade, entry.number);
  made->completion.finish_reason = "stop";
  const int64_t words = static_cast<int64_t>(made->completion.content.size() / 4) + made->random.Below(97);
  SetUsage({static_cast<int64_t>(request_bytes / 4), words}, made);
  Render(made);
}

// ---- what a kind does: to the parts of the answer (shape), or to its bytes (damage)

void BillNothing(Composition* made) {
  made->answer.entry.billed = {};
  made->answer.entry.told.reset();
  made->answer.entry.grade.reset();
}

void Refuse(Composition* made, int status, std::string_view type, const std::string& message = "as the script says") {
  BillNothing(made);
  made->status = status;
  made->content_type = "application/json";
  made->pieces = {made->wire->error(type, type, message)};
  made->stream = false;
}

void Limit(Composition* made) {
  Refuse(made, 429, "rate_limit_error");
  constexpr std::array<const char*, 4> kWaits = {"Retry-After: 1", "Retry-After: 0.3", "retry-after-ms: 150",
                                                 "Retry-After: 0"};
  made->header_lines.push_back(kWaits[static_cast<size_t>(made->random.Below(kWaits.size()))]);
}
void LimitBare(Composition* made) { Refuse(made, 429, "rate_limit_error"); }
void Unavailable(Composition* made) {
  Refuse(made, 503, "server_error");
  made->header_lines.push_back("Retry-After: 0.4");
}
void ServerError(Composition* made) { Refuse(made, 500, "server_error"); }
void Overloaded(Composition* made) { Refuse(made, 529, "overloaded_error"); }
void TimedOut(Composition* made) { Refuse(made, 408, "timeout"); }
void HugeError(Composition* made) { Refuse(made, 503, "server_error", std::string(kHugeBytes, 'x')); }
void Page(Composition* made) {
  Refuse(made, 502, "server_error");
  made->content_type = "text/html";
  made->pieces = {"<html><body><h1>502 Bad Gateway</h1>"};
}
void ErrorInside(Composition* made) {
  const bool stream = made->stream;
  Refuse(made, 200, "overloaded_error");
  if (!stream) return;
  made->stream = true;
  made->content_type = "text/event-stream";
  made->pieces = {"data: " + made->pieces.front() + "\n\n"};
}

void Unfinished(Composition* made) {
  made->completion.CutInHalf();
  made->answer.entry.told.reset();
  Render(made);
}
void BrokenJson(Composition* made) {
  std::string& piece = made->pieces[made->pieces.size() / 2];
  piece = piece.substr(0, piece.size() / 2) + (made->stream ? "\n\n" : "");
}
void Nested(Composition* made) {
  const std::string nested(kNestedBytes, '[');
  made->pieces = {made->stream ? "data: " + nested + "\n\n" : "{\"choices\":" + nested};
  made->answer.entry.told.reset();
}
void EmptyBody(Composition* made) {
  made->pieces = {""};
  made->stream = false;
  made->answer.entry.told.reset();
}

void ReplaceAll(std::vector<std::string>* pieces, const std::string& from, const std::string& to) {
  for (std::string& piece : *pieces) {
    const size_t at = piece.find(from);
    if (at != std::string::npos) piece.replace(at, from.size(), to);
  }
}

// All that is told of usage, whatever the wire, becomes `figure`.
void LieAboutUsage(Composition* made, const std::string& figure) {
  for (std::string& piece : made->pieces) {
    const std::string key = "\"usage\":{";
    const size_t at = piece.find(key);
    if (at == std::string::npos) continue;
    const size_t end = piece.find('}', at) + 1;
    std::string lie = "\"usage\":{";
    for (const char* name : {"prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"}) {
      lie += (lie.back() == '{' ? "\"" : ",\"") + std::string(name) + "\":" + figure;
    }
    piece.replace(at, end - at, lie + "}");
  }
  made->answer.entry.told.reset();
}
void NegativeUsage(Composition* made) { LieAboutUsage(made, "-7"); }
void HugeUsage(Composition* made) { LieAboutUsage(made, "9223372036854775807"); }
void EndlessUsage(Composition* made) { LieAboutUsage(made, "1e308"); }
void WordyUsage(Composition* made) { LieAboutUsage(made, "\"many\""); }
void NoUsage(Composition* made) {
  const Tokens billed = made->answer.entry.billed;
  made->completion.usage.reset();
  Render(made);
  made->answer.entry.told.reset();
  made->answer.entry.billed = billed;
}
// Whoever tells it bills it.
void TenfoldUsage(Composition* made) {
  const Tokens honest = made->answer.entry.billed;
  SetUsage({honest.prompt * 10, honest.completion * 10}, made);
  Render(made);
}

void HugeReasoning(Composition* made) {
  const std::string text(kHugeBytes, 'h');
  LedgerEntry& entry = made->answer.entry;
  SetUsage({entry.billed.prompt, std::min<int64_t>(kMostCompletion, kHugeBytes / 4)}, made);
  Render(made);
  if (made->wire == &recorded_llm::ChatWire() && made->stream) {
    made->pieces.insert(made->pieces.begin() + 1, "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"" +
                                                      text + "\"},\"finish_reason\":null}]}\n\n");
  } else if (made->stream) {
    // Any other wire: an event of a later version.
    made->pieces.insert(made->pieces.begin() + 1, "event: ping\ndata: {\"type\":\"ping\",\"pad\":\"" + text + "\"}\n\n");
  } else {
    ReplaceAll(&made->pieces, "\"refusal\":null", "\"refusal\":null,\"reasoning_content\":\"" + text + "\"");
  }
}
void BadUtf8(Composition* made) { ReplaceAll(&made->pieces, "Here it is.", "Here it \xC3\x28\xFF is."); }

// The model's own behaviour: the round has no candidate.
void Settle(Composition* made, const std::string& content, const std::string& finish_reason) {
  made->completion.content = content;
  made->completion.finish_reason = finish_reason;
  made->answer.entry.grade.reset();
  Render(made);
}
void CutAtLimit(Composition* made) { Settle(made, made->completion.content.substr(0, 40), "length"); }
void Filtered(Composition* made) { Settle(made, "I will", "content_filter"); }
void EmptyReply(Composition* made) { Settle(made, "", "stop"); }

// ---- to its bytes

void CutAt(Composition* made, size_t bytes, Ending ending) {
  made->answer.wire.resize(std::min(bytes, made->answer.wire.size()));
  made->answer.ending = ending;
}
size_t HeaderBytes(const Composition& made) { return made.answer.wire.find("\r\n\r\n") + 4; }
size_t WithinBody(Composition* made) {
  const size_t header = HeaderBytes(*made);
  const size_t body = made->answer.wire.size() - header;
  return header + 1 + static_cast<size_t>(made->random.Below(static_cast<int64_t>(std::max<size_t>(1, body * 3 / 4))));
}

void Close(Composition* made) { made->answer.ending = Ending::kClose; }
// A client may ask again of itself on a fresh connection (docs/llm.md, "Limits of one attempt"): nothing is billed for
// what nobody saw the beginning of.
void CloseSilently(Composition* made) {
  CutAt(made, 0, Ending::kClose);
  BillNothing(made);
}
void CutHeader(Composition* made) {
  CutAt(made, HeaderBytes(*made) / 2, Ending::kClose);
  made->answer.entry.told.reset();
}
void CutBody(Composition* made) { CutAt(made, WithinBody(made), Ending::kClose); }
void CutEnd(Composition* made) { CutAt(made, made->answer.wire.size() - 1, Ending::kClose); }
void Stall(Composition* made) { CutAt(made, WithinBody(made), Ending::kStall); }
// What was sent may be gone with it, so that the client saw nothing, as above.
void Reset(Composition* made) {
  CutAt(made, WithinBody(made), Ending::kReset);
  BillNothing(made);
}
void NotHttp(Composition* made) {
  made->answer.wire = "\x16\x03\x01 this is no HTTP\r\n\r\n";
  made->answer.ending = Ending::kClose;
  made->answer.entry.told.reset();
}
// The announced length, or that of a chunk, is wrong.
void WrongLength(Composition* made) {
  std::string& wire = made->answer.wire;
  made->answer.ending = Ending::kClose;
  if (made->stream) {
    wire.insert(HeaderBytes(*made), "ZZ");
    made->answer.entry.told.reset();
    return;
  }
  std::string& reply = made->answer.entry.reply;
  const std::string announced = "Content-Length: " + std::to_string(reply.size());
  reply.resize(reply.size() / 2);
  wire.replace(wire.find(announced), announced.size(), "Content-Length: " + std::to_string(reply.size()));
  made->answer.entry.told.reset();
}
void Trickle(Composition* made) {
  made->answer.pieces = static_cast<int>(6 + made->random.Below(15));
  made->answer.pause = Millis(3 + made->random.Below(12));
}
void Interim(Composition* made) {
  made->answer.wire.insert(0, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}
void ExtraBytes(Composition* made) {
  made->answer.wire += "HTTP/1.1 200 OK\r\nContent-Le";
  made->answer.ending = Ending::kClose;
}

struct Kind {
  const char* name;
  int weight;
  void (*shape)(Composition*) = nullptr;
  void (*damage)(Composition*) = nullptr;
};

// After these the same request has to come again, or, where a stream had said its last word, is settled all the same.
constexpr std::array kTroubles = {
    Kind{"429 with a time to wait", 2, Limit},
    Kind{"429 without", 1, LimitBare},
    Kind{"503 with a time to wait", 2, Unavailable},
    Kind{"500", 3, ServerError},
    Kind{"502 with a page", 2, Page},
    Kind{"529", 2, Overloaded},
    Kind{"408", 1, TimedOut},
    Kind{"503 of 3 MiB", 1, HugeError},
    Kind{"an error inside a 200", 2, ErrorInside},
    Kind{"closed without a byte", 3, nullptr, CloseSilently},
    Kind{"cut inside the header", 2, nullptr, CutHeader},
    Kind{"cut inside the body", 4, nullptr, CutBody},
    Kind{"cut before the last byte", 2, nullptr, CutEnd},
    Kind{"reset inside the body", 3, nullptr, Reset},
    Kind{"silent inside the body", 1, nullptr, Stall},
    Kind{"no finish_reason", 2, Unfinished},
    Kind{"JSON that breaks off", 3, BrokenJson},
    Kind{"440 KB of nested lists", 2, Nested},
    Kind{"an empty 200", 1, EmptyBody},
    Kind{"not HTTP", 2, nullptr, NotHttp},
    Kind{"a wrong length", 2, nullptr, WrongLength},
};

// These settle the request.
constexpr std::array kOddities = {
    Kind{"trickled", 6, nullptr, Trickle},
    Kind{"connection closed afterwards", 4, nullptr, Close},
    Kind{"interim replies before it", 2, nullptr, Interim},
    Kind{"bytes behind its end", 2, nullptr, ExtraBytes},
    Kind{"3 MiB of reasoning", 1, HugeReasoning},
    Kind{"invalid UTF-8", 2, BadUtf8},
    Kind{"usage -7", 1, NegativeUsage},
    Kind{"usage 2^63-1", 1, HugeUsage},
    Kind{"usage 1e308", 1, EndlessUsage},
    Kind{"usage \"many\"", 1, WordyUsage},
    Kind{"usage not told", 1, NoUsage},
    Kind{"usage ten times too high", 1, TenfoldUsage},
    Kind{"cut at the token limit", 1, CutAtLimit},
    Kind{"filtered", 1, Filtered},
    Kind{"an empty reply", 1, EmptyReply},
};

constexpr Kind kHonest{"honest", 1};

template <typename Kinds>
const Kind& Draw(const Kinds& kinds, Random* random) {
  int all = 0;
  for (const Kind& kind : kinds) all += kind.weight;
  int64_t left = random->Below(all);
  for (const Kind& kind : kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  return kinds.back();
}

std::string ChunkOf(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

void ToWire(Composition* made) {
  LedgerEntry& entry = made->answer.entry;
  entry.reply = Body(*made);
  std::string& wire = made->answer.wire;
  wire = "HTTP/1.1 " + std::to_string(made->status) + " Scripted\r\nContent-Type: " + made->content_type +
         "\r\nx-request-id: " + RequestId(entry.number) + "\r\n";
  for (const std::string& line : made->header_lines) wire += line + "\r\n";
  if (!made->stream) {
    wire += "Content-Length: " + std::to_string(entry.reply.size()) + "\r\n\r\n" + entry.reply;
    return;
  }
  wire += "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& piece : made->pieces) wire += ChunkOf(piece);
  wire += "0\r\n\r\n";
}

const Wire* WireOf(std::string_view target) {
  for (const Wire* wire : recorded_llm::AllWires()) {
    if (wire->target == target) return wire;
  }
  return nullptr;
}

}  // namespace

Result<ScriptedAnswer> EndpointScript::Answer(const LedgerEntry& received, std::string_view target,
                                              std::string_view body) {
  const Wire* wire = WireOf(target);
  if (wire == nullptr) return InvalidArgument("no wire of ours is at " + std::string(target));
  ASSIGN_OR_RETURN(const recorded_llm::CompletionRequest request, wire->parse(body));

  std::lock_guard lock(mutex_);
  Seen& seen = seen_[received.request];
  Random random("seed " + std::to_string(options_.seed) + " request " + ToHex(received.request) + " time " +
                std::to_string(seen.times++));
  const Kind* kind = &kHonest;
  if (seen.troubles < options_.most_troubles && random.Percent(options_.trouble_percent)) {
    kind = &Draw(kTroubles, &random);
    ++seen.troubles;
  } else if (random.Percent(options_.oddity_percent)) {
    kind = &Draw(kOddities, &random);
  }
  Composition made(std::move(random));
  made.wire = wire;
  made.stream = request.stream;
  made.completion.model = request.model;
  made.completion.usage_in_stream = request.usage_in_stream;
  made.answer.entry = received;
  made.answer.entry.kind = kind->name;
  made.answer.delay = Millis(made.random.Below(options_.longest_delay.count() + 1));
  MakeHonest(body.size(), &made);
  if (kind->shape != nullptr) kind->shape(&made);
  ToWire(&made);
  if (kind->damage != nullptr) kind->damage(&made);
  return std::move(made.answer);
}

std::vector<std::string> AnswerKinds() {
  std::vector<std::string> names = {kHonest.name};
  for (const Kind& kind : kTroubles) names.emplace_back(kind.name);
  for (const Kind& kind : kOddities) names.emplace_back(kind.name);
  return names;
}

}  // namespace passnet::chaos
