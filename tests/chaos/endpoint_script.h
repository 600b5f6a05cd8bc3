// What the scripted endpoint answers, drawn from a seed: honest replies with a candidate each, refusals, limits, cuts and
// lies. What is drawn depends on the request's bytes and on how often they came, not on the clock.
// What the product ends a trajectory for, because asking again cannot help, is left out: 400, 401, 402, 403 and bodies
// beyond the bound (docs/llm.md, "Outcomes").
// Threads: EndpointScript is thread-safe. Errors: kInvalidArgument (a request that is none of a wire of ours).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tests/chaos/ledger.h"

namespace passnet::chaos {

struct ScriptOptions {
  uint64_t seed = 1;
  int trouble_percent = 25;  // answers after which the request has to come again
  int oddity_percent = 20;   // of the others: answers that settle the request in an unusual way
  int most_troubles = 3;     // of one request, by its bytes: then it is answered
  Millis longest_delay{20};  // before the first byte
};

// The bytes of an answer, and how they are sent.
struct ScriptedAnswer {
  enum class Ending {
    kKeep,   // the connection stays for the next request
    kClose,
    kReset,
    kStall,  // nothing more comes, until the client leaves
  };
  std::string wire;        // from the status line on; may be empty
  int pieces = 1;          // in which it is sent
  Millis delay{0};         // before the first
  Millis pause{0};         // between two
  Ending ending = Ending::kKeep;
  LedgerEntry entry;
};

class EndpointScript {
 public:
  explicit EndpointScript(ScriptOptions options) : options_(options) {}

  Result<ScriptedAnswer> Answer(const LedgerEntry& received, std::string_view target, std::string_view body);

 private:
  struct Seen {
    int times = 0;
    int troubles = 0;
  };

  const ScriptOptions options_;
  std::mutex mutex_;
  std::map<Sha256Digest, Seen> seen_;
};

// Every kind of answer that the script may draw, by name.
std::vector<std::string> AnswerKinds();

}  // namespace passnet::chaos
