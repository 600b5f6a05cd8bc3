// What is asked of a lane and what it answers: plain values, serialisable from the first day, because a lane may be
// a child process today and a worker behind a message queue tomorrow.
// Threads: immutable values. Owns everything it holds. JSON forms: ToJson/FromJson in evaluator/api/json.h; the report
// is the contract "passnet.evaluation/1" of docs/contracts.md, "Evaluation reports".
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "passbench/score.h"

namespace passnet::evaluator {

// PassBench's status of one graph (docs/passbench.md, section 7). Persisted by name.
// Finer than passbench::GraphStatus, which calls both kinds of a run correct and knows no lanes: graph_result.h converts.
enum class GraphStatus {
  kCorrect,
  kAccuracy,  // ran, shapes and types agree, but not close at t = -5: see tolerances_ok
  kEagerFail,
  kCompileFail,
  kShapeMismatch,
  kTypeMismatch,
  kRuntimeFail,
  kPassMiss,
  kUnsupportedLane,  // the pass needs a device that this lane is not (a Triton pass on a CPU lane); unscored
};
const char* GraphStatusName(GraphStatus status);

// Ours, on top of the status (docs/integrity.md, section 4). Persisted by name. In the order of precedence: when
// several fire, the first one named here wins.
enum class Verdict {
  kInfra,        // our side failed: unscored, retried or reported
  kUnsupported,  // unscored
  kTamper,
  kStatic,
  kDispatch,
  kMutation,
  kState,
  kCrash,      // died by a signal or left the protocol
  kTimeout,
  kOutOfMemory,
  kMiss,         // no pattern matched
  kCompile,      // a kernel does not compile
  kIncorrect,
  kTiming,
  kImplausible,
  kQuarantine,
  kTrivial,
  kOk,
};
const char* VerdictName(Verdict verdict);
// The candidate gamed the measurement, its inputs or its jail: no tolerance forgives it, and its times mean nothing.
bool IsCheating(Verdict verdict);
// Names of the verdicts after which a trajectory teaches nobody: cheating, and what waits until somebody looked.
std::vector<std::string> VerdictsBarredFromTraining();

enum class Profile { kPassbench, kQuick };
enum class CallPath { kDynamo, kDirect };
enum class Matching { kUpstream, kNormalised };
using passbench::Interpretation;
const char* ProfileName(Profile);
const char* CallPathName(CallPath);
const char* MatchingName(Matching);

struct TaskRef {
  std::string path;  // the task folder, as the lane sees it
  std::string hash{};  // passbench::TaskHash of the files that are meant; others are refused. Empty: whatever lies there
};

// One file of pass_dir, inline: a candidate never travels as a path.
struct CandidateFile {
  std::string name;   // relative, '/'-separated, validated by candidate/
  std::string bytes;
};

struct EvaluateRequest {
  std::string evaluation_id;  // idempotency key: hash(trajectory, step, purpose, repetition)
  std::string purpose;        // "refine", "final", "manual", …: for logs and reports
  TaskRef task;
  std::vector<CandidateFile> files;
  Profile profile = Profile::kQuick;
  CallPath call_path = CallPath::kDynamo;
  Matching matching = Matching::kUpstream;
  Interpretation interpretation = Interpretation::kDefault;
  double p = 0.0;  // penalty exponent of slow-downs (docs/passbench.md, section 8)
  double b = 0.1;  // score of a failure
  std::string device = "cpu";
  // Of the timing of each graph; 0 = the profile's own.
  std::chrono::milliseconds time_cap{0};
};

enum class BaselineCompiler { kEager, kInductor };
const char* BaselineCompilerName(BaselineCompiler);

struct BaselineRequest {
  std::string evaluation_id;
  TaskRef task;
  BaselineCompiler compiler = BaselineCompiler::kInductor;
  Profile profile = Profile::kPassbench;
  std::string device = "cpu";
  double p = 0.0;
  double b = 0.1;
  std::chrono::milliseconds time_cap{0};  // as EvaluateRequest::time_cap
  bool use_cache = true;                  // false: measured anew, and not kept
};

struct DescribeTaskRequest {
  TaskRef task;
  std::string device = "cpu";
};

struct CompileDiagnostics {
  std::string file;
  bool ok = false;
  bool cached = false;
  double seconds = 0;
  std::string diagnostics;  // the compiler's own words, bounded, paths trimmed
};

// An element that is not close, as people and models read it: "[3, 17]", "1.25", "nan".
struct ElementMismatch {
  std::string index, expected, got;
};

// What is wrong with one output, or with an input that is changed in place, on PassBench's own inputs.
struct OutputMismatch {
  std::string what;      // "output 0"
  int64_t elements = 0;
  int64_t wrong = 0;     // of them, not close at t = -5
  std::vector<ElementMismatch> told;  // the first ones and the last
};

// A kernel that ran on the device in a call, whoever launched it.
struct KernelUse {
  std::string name;
  double launches = 0;   // a call
  double device_us = 0;  // a call
  bool own = false;      // of the candidate's, by its name; else a library's
};

// The device that a graph was measured on, between its rounds, as the device's own library tells it; nothing where it does
// not say.
struct DeviceMoment {
  std::optional<int64_t> core_mhz, memory_mhz, celsius;
  std::optional<int64_t> uncorrected_errors;  // of its memory, since boot
  int64_t processes = 0;                      // that have a context on it, ours too
  std::vector<std::string> slowed_by;         // "power cap", "heat (driver)", "work of others"
  bool repeated = false;                      // the round that ended here was measured again because of it
};

// One graph's outcome. Absent optionals are null in JSON: not measured, never a stand-in value.
struct GraphReport {
  std::string path;
  std::string dtype;
  GraphStatus status = GraphStatus::kRuntimeFail;
  Verdict verdict = Verdict::kInfra;
  std::string reason;                       // one line for people and for the model; names what and where
  std::optional<double> speedup_call;       // the call alone
  std::optional<double> speedup_upstream;   // as upstream would have measured it (seeding inside the window)
  std::optional<double> speedup_device;     // GPU event time; null on a CPU
  std::optional<double> eager_us;           // median of one call
  std::optional<double> candidate_us;
  std::optional<double> noise;              // half width of the 95 % interval of the ratio, relative
  std::optional<double> control;            // speedup_call of a second eager process: 1.0 when measuring was perfect
  std::optional<double> control_noise;      // as noise
  std::optional<double> floor_us;           // no call can be faster
  int matched_nodes = 0;
  std::optional<double> coverage;           // matched nodes / nodes of the graph that are not placeholder or output
  std::optional<double> max_abs_diff;
  std::vector<int> tolerances_ok;           // the t in -10..5 at which every output is close
  std::vector<OutputMismatch> mismatches;   // of public inputs alone: what is drawn in secret is never told
  std::vector<KernelUse> kernels;           // the longest first; empty on a CPU, and where no profiler can be had
  std::vector<std::string> output_dtypes;
  int timed_calls = 0;                      // per side
  int pairs = 0;                            // of fresh processes, measured
  bool capped = false;                      // a time cap cut the profile's counts
  std::vector<DeviceMoment> device_moments;  // before the first round and after each; none on a CPU
};

struct SandboxFacts {
  std::string tier;                 // "cgroup-v2", "cgroup-v1", "rlimits"; read back, not intended
  std::vector<std::string> layers;  // read back from the child's /proc/PID, e.g. "seccomp:2 filters"
};

struct EvaluationReport {
  std::string evaluation_id;
  std::string task;
  Profile profile = Profile::kQuick;
  std::string device;
  CallPath call_path = CallPath::kDynamo;
  Matching matching = Matching::kUpstream;
  Verdict verdict = Verdict::kInfra;             // the worst of the graphs', or of the candidate as a whole
  std::string reason;
  std::optional<double> aggregated_score;        // null when nothing was scored (infra, unsupported, quarantine)
  std::optional<double> upstream_score;          // null where upstream gives none (in-place graphs)
  std::map<int, double> es;                      // t -> ES(t), when scored
  std::vector<GraphReport> graphs;
  std::vector<CompileDiagnostics> compile;
  std::string candidate_output;                  // what the candidate printed, bounded, escaped when shown
  SandboxFacts sandbox;
  std::map<std::string, std::string> environment;  // facts that two comparable scores must share
  std::map<std::string, double> timings_ms;        // where the evaluation's own time went
};

struct BaselineReport {
  std::string task;
  BaselineCompiler compiler = BaselineCompiler::kInductor;
  std::string device;
  std::optional<double> aggregated_score;
  std::map<int, double> es;
  std::vector<GraphReport> graphs;
  std::map<std::string, std::string> environment;
  std::map<std::string, double> timings_ms;
  bool cached = false;
};

// One operator of a captured graph, as prompts show it.
struct OpRecord {
  std::string name;       // fx node name
  std::string op;         // call_function, call_method, …
  std::string target;     // qualified name
  std::string arguments;  // printable, bounded
  std::string output;     // "bf16[8, 512, 768]", empty when unknown
  bool matchable = true;  // false: upstream's matcher can never line it up (docs/passbench.md, section 5)
  double eager_share = 0;  // share of the graph's eager time, 0 when not profiled
};

struct GraphDescription {
  std::string path;
  std::string dtype;
  std::string model_source;               // device-mapped model.py
  std::vector<std::string> inputs;        // "in_0: bf16[8, 512, 768]"
  std::vector<std::string> outputs;
  std::vector<OpRecord> ops;
  double eager_us = 0;
  uint64_t bytes_touched = 0;             // inputs read + outputs written, once each
  double floor_us = 0;                    // bytes / measured bandwidth: no kernel can be faster
};

struct TaskDescription {
  std::string task;
  std::vector<GraphDescription> graphs;
  std::map<std::string, std::string> environment;
};

}  // namespace passnet::evaluator
