#include "base/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

// The linker's own borders of the section (ld, "Input Section Example": C identifiers). Weak: a program without any
// failpoint has no such section.
extern "C" {
[[gnu::weak]] extern const char* const __start_passnet_failpoints[];
[[gnu::weak]] extern const char* const __stop_passnet_failpoints[];
}

namespace passnet::failpoint {
namespace {

struct Armed {
  std::mutex mutex;
  std::string name;
  long hits_left = 0;
};

Armed& State() {
  static Armed* state = new Armed;  // leaked: threads may still reach failpoints while statics are destroyed
  return *state;
}

void SayOnStderr(const std::string& line) {
  // write(2): the process may die on the next line, and stdio would keep the text.
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;
}

// A dynamic initialiser, so that the programs themselves need no code for it.
[[maybe_unused]] const bool armed_from_environment = [] {
  const char* specification = std::getenv("PASSNET_FAILPOINT");
  if (specification == nullptr) return false;
  if (std::string_view(specification) == "list") {
    for (std::string_view name : Names()) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
    std::fflush(stdout);
    ::_exit(0);
  }
  Arm(specification);
  return true;
}();

}  // namespace

std::vector<std::string_view> Names() {
  std::vector<std::string_view> names;
  for (const char* const* at = __start_passnet_failpoints; at != __stop_passnet_failpoints; ++at) {
    names.emplace_back(*at);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void Arm(std::string_view specification) {
  Armed& state = State();
  std::lock_guard lock(state.mutex);
  size_t colon = specification.find(':');
  state.name = specification.substr(0, colon);
  state.hits_left = 1;
  if (colon != std::string_view::npos) {
    std::from_chars(specification.data() + colon + 1, specification.data() + specification.size(), state.hits_left);
  }
  auto names = Names();
  // No refusal: children inherit the environment, and the name may belong to another program of ours.
  if (!state.name.empty() && !std::binary_search(names.begin(), names.end(), std::string_view(state.name))) {
    SayOnStderr("passnet: PASSNET_FAILPOINT: no failpoint \"" + state.name + "\" in this program\n");
  }
  internal::armed.store(!state.name.empty(), std::memory_order_relaxed);
}

namespace internal {

void Reached(const char* name) {
  Armed& state = State();
  std::lock_guard lock(state.mutex);
  if (state.name != name || --state.hits_left > 0) return;
  SayOnStderr("passnet: failpoint " + state.name + "\n");
  ::kill(::getpid(), SIGKILL);
  ::_exit(137);  // 128 + SIGKILL, should the signal be late
}

}  // namespace internal
}  // namespace passnet::failpoint
