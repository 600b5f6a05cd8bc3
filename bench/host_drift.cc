// What the host by itself does to a ratio, with nothing of the product in between: the same arithmetic in three passes over
// memory, as eager does it, and in one, as a fused kernel does, both plain C++ and with all their memory touched before. Timed
// as an evaluation times a graph: rounds of three fresh processes on one core, blocks in turns, the product's own statistics
// and its own rule of when to stop. The same again some seconds later, and once more. The interval that an evaluation states
// comes from its rounds; what lies between evaluations here is the host's, and no measurement of a candidate can be better.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "bench/bench_main.h"
#include "bench/samples.h"
#include "evaluator/timing/statistics.h"

namespace passnet::bench {
namespace {

using evaluator::RoundTimes;

// Arrays of a megabyte together lie in a core's own cache here, of sixteen in the one that cores share, the last in none.
struct Size {
  const char* name;
  size_t elements;
};
constexpr Size kSizes[] = {{"256k", 1u << 16}, {"4m", 1u << 20}, {"32m", 1u << 23}};

// Profile passbench's (evaluator/lane/measure.h), but for the blocks: those there have as many calls as slots.
constexpr size_t kLeastRounds = 3, kMostRounds = 6;
constexpr double kWanted = 0.04;
constexpr int kBlocks = 8;
constexpr double kBlockMs = 1, kWarmUpMs = 10;

struct Arrays {
  explicit Arrays(size_t elements) : in(elements, 0.5f), first(elements, 1), second(elements, 1), out(elements, 1) {}
  std::vector<float> in, first, second, out;
};

__attribute__((noinline)) void InThreePasses(Arrays& with) {
  const size_t elements = with.in.size();
  for (size_t i = 0; i < elements; ++i) with.first[i] = with.in[i] * 1.5f;
  for (size_t i = 0; i < elements; ++i) with.second[i] = with.first[i] + 0.25f;
  for (size_t i = 0; i < elements; ++i) with.out[i] = with.second[i] > 0 ? with.second[i] : 0;
  asm volatile("" : : "r"(with.out.data()) : "memory");  // somebody wants it
}

__attribute__((noinline)) void InOnePass(Arrays& with) {
  const size_t elements = with.in.size();
  for (size_t i = 0; i < elements; ++i) {
    const float sum = with.in[i] * 1.5f + 0.25f;
    with.out[i] = sum > 0 ? sum : 0;
  }
  asm volatile("" : : "r"(with.out.data()) : "memory");
}

using Work = void (*)(Arrays&);

double MsOf(Work work, Arrays& arrays, int calls) {
  const Lap lap;
  for (int i = 0; i < calls; ++i) work(arrays);
  return lap.Ms();
}

// A process that times a block whenever it is asked to, and ends with its asker.
class Seat {
 public:
  Seat(Work work, size_t elements) {
    int asked[2], told[2];
    if (::pipe2(asked, O_CLOEXEC) != 0 || ::pipe2(told, O_CLOEXEC) != 0) return;
    UniqueFd ask_end(asked[0]), tell_end(told[1]);
    ask_.Reset(asked[1]);
    answer_.Reset(told[0]);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ask_.Reset();
    Serve(work, elements, ask_end.get(), tell_end.get());
    ::_exit(0);
  }
  ~Seat() {
    ask_.Reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // Microseconds a call.
  Result<double> Block() {
    double micros = 0;
    const char go = 1;
    if (pid_ <= 0 || ::write(ask_.get(), &go, 1) != 1 || ::read(answer_.get(), &micros, sizeof micros) != sizeof micros) {
      return Error::FromErrno("ask", "a process that times", errno);
    }
    return micros;
  }

 private:
  static void Serve(Work work, size_t elements, int ask, int tell) {
    Arrays arrays(elements);
    int calls = 1;
    double took = MsOf(work, arrays, calls);
    for (const Lap warming; warming.Ms() < kWarmUpMs;) took = MsOf(work, arrays, calls);
    calls = std::max(1, static_cast<int>(kBlockMs / took));
    for (char go; ::read(ask, &go, 1) == 1;) {
      const double micros = 1000 * MsOf(work, arrays, calls) / calls;
      if (::write(tell, &micros, sizeof micros) != sizeof micros) return;
    }
  }

  UniqueFd ask_, answer_;
  pid_t pid_ = -1;
};

Result<RoundTimes> Round(size_t elements, std::mt19937& order) {
  Seat reference(InThreePasses, elements), control(InThreePasses, elements), contender(InOnePass, elements);
  std::array<Seat*, 3> seats{&reference, &control, &contender};
  std::array<size_t, 3> turns{0, 1, 2};
  std::array<std::vector<double>, 3> blocks;
  for (int block = 0; block < kBlocks; ++block) {
    std::shuffle(turns.begin(), turns.end(), order);
    for (size_t turn : turns) {
      ASSIGN_OR_RETURN(const double micros, seats[turn]->Block());
      blocks[turn].push_back(micros);
    }
  }
  return RoundTimes{evaluator::InterquartileMean(blocks[0]), evaluator::InterquartileMean(blocks[1]),
                    evaluator::InterquartileMean(blocks[2])};
}

Result<evaluator::SpeedUp> Evaluate(size_t elements, std::mt19937& order) {
  std::vector<RoundTimes> rounds;
  for (;;) {
    ASSIGN_OR_RETURN(const RoundTimes round, Round(elements, order));
    rounds.push_back(round);
    if (rounds.size() < kLeastRounds) continue;
    const evaluator::SpeedUp seen = *evaluator::EstimateSpeedUp(rounds);
    if (seen.half_width <= kWanted || rounds.size() >= kMostRounds) return seen;
  }
}

// How far `seen` lie apart, beside what each of them states.
void Tell(const std::string& name, const std::vector<evaluator::SpeedUp>& seen, BenchReport* report, int* covered) {
  std::vector<double> logs, stated, ratios;
  for (const evaluator::SpeedUp& one : seen) {
    ratios.push_back(one.ratio);
    logs.push_back(std::log(one.ratio));
    stated.push_back(one.half_width);
  }
  const double mean = Mean(logs);
  double squares = 0;
  for (size_t i = 0; i < logs.size(); ++i) {
    squares += (logs[i] - mean) * (logs[i] - mean);
    *covered += std::abs(logs[i] - mean) <= stated[i] ? 1 : 0;
  }
  report->Add("ratio_p50_" + name, Quantile(ratios, 0.5));
  report->Add("spread_" + name, Quantile(ratios, 1) / Quantile(ratios, 0));
  report->Add("deviation_" + name, std::sqrt(squares / static_cast<double>(std::max<size_t>(logs.size() - 1, 1))));
  report->Add("stated_p50_" + name, Quantile(stated, 0.5));
}

Status KeepToLastCore() {
  cpu_set_t usable, last;
  CPU_ZERO(&last);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return Error::FromErrno("sched_getaffinity", "", errno);
  for (int core = CPU_SETSIZE - 1; core >= 0 && CPU_COUNT(&last) == 0; --core) {
    if (CPU_ISSET(static_cast<size_t>(core), &usable)) CPU_SET(static_cast<size_t>(core), &last);
  }
  if (::sched_setaffinity(0, sizeof last, &last) != 0) return Error::FromErrno("sched_setaffinity", "", errno);
  return OkStatus();
}

Result<BenchReport> Measure(int evaluations, int pause_seconds) {
  RETURN_IF_ERROR(KeepToLastCore());
  std::mt19937 order(std::random_device{}());
  std::array<std::vector<evaluator::SpeedUp>, std::size(kSizes)> seen;
  for (int i = 0; i < evaluations; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::seconds(pause_seconds));
    for (size_t size = 0; size < std::size(kSizes); ++size) {
      ASSIGN_OR_RETURN(const evaluator::SpeedUp one, Evaluate(kSizes[size].elements, order));
      seen[size].push_back(one);
    }
    Progress("host_drift", i + 1, evaluations);
  }
  BenchReport report("host_drift");
  int covered = 0;
  for (size_t size = 0; size < std::size(kSizes); ++size) Tell(kSizes[size].name, seen[size], &report, &covered);
  report.Add("coverage", covered / static_cast<double>(evaluations * static_cast<int>(std::size(kSizes))));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int evaluations = 10, pause_seconds = 20;
  return passnet::bench::Main("host_drift", "How far a ratio of two plain loops moves on this host between evaluations",
                              {passnet::bench::CountOption("--evaluations", "of each size", &evaluations),
                               passnet::bench::CountOption("--pause-seconds", "between them", &pause_seconds)},
                              [&] { return passnet::bench::Measure(evaluations, pause_seconds); }, argc, argv);
}
