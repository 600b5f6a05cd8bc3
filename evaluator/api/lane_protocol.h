// What a client and passnet-evaluator say to each other: messages on a Unix stream socket, one request at a time.
//   evaluator → client  {"type":"Hello","protocol":2,"build","environment":{…}}  or  {"type":"Refused","code","message"}
//   client → evaluator  {"type":"Evaluate"|"Baseline"|"DescribeTask","request":{…}}  |  {"type":"Cancel"}
//   evaluator → client  {"type":"Progress","what","done","total"}*, then {"type":"Report","report":{…}}
//                       or {"type":"Failed","code":…,"message":…}: ours, or the request's own mistake
// A message is a header frame, which is JSON, and as many content frames as its "contents" announces with their sizes:
// the bytes of a candidate's files in the order of the request's "files", never JSON. Frames: base/framing.h.
// Threads: thread-safe functions; one reader and one writer a socket. Blocking.
// Errors: kInvalidArgument (a readable message whose request cannot be used: the text names the field), kDataCorrupt
// (bytes that are no message, sizes that differ from what was announced, more than the limits: the socket is of no more
// use), and those of base/framing.h.
// Source: docs/worker_protocol.md, section 9.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

inline constexpr int kLaneProtocol = 2;
inline constexpr int kLaneControlFd = 3;

// Chosen: far above what a candidate may have, so that a candidate which is too large is judged and not refused here.
inline constexpr size_t kMaxContents = 1024;
inline constexpr int64_t kMaxContentBytes = 64 << 20;  // of all contents together

struct LaneMessage {
  Json header;                        // {"type": …}
  std::vector<std::string> contents;  // as announced
};
Status SendMessage(int fd, Json header, const std::vector<std::string_view>& contents, Deadline deadline);
Result<LaneMessage> ReceiveMessage(int fd, Deadline deadline);

// The client's side.
Status SendRequest(int fd, const EvaluateRequest& request, Deadline deadline);
Status SendRequest(int fd, const BaselineRequest& request, Deadline deadline);
Status SendRequest(int fd, const DescribeTaskRequest& request, Deadline deadline);
Status SendCancel(int fd, Deadline deadline);

struct Greeting {
  std::string build;
  std::map<std::string, std::string> environment;
};
// kUnavailable for another protocol; the evaluator's own error when it refuses.
Result<Greeting> ReceiveGreeting(int fd, Deadline deadline);

struct ProgressNote {
  std::string what;
  int done = 0, total = 0;
};
struct RequestFailed {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};
using LaneReply = std::variant<ProgressNote, Json, RequestFailed>;  // Json: the report
Result<LaneReply> ReceiveReply(int fd, Deadline deadline);

// The evaluator's side.
struct CancelRequest {};
using LaneRequest = std::variant<CancelRequest, EvaluateRequest, BaselineRequest, DescribeTaskRequest>;
Result<LaneRequest> ReceiveRequest(int fd, Deadline deadline);

Status SendGreeting(int fd, const Greeting& greeting, Deadline deadline);
Status SendRefusal(int fd, const Error& error, Deadline deadline);
Status SendProgress(int fd, const ProgressNote& progress, Deadline deadline);
Status SendReport(int fd, Json report, Deadline deadline);
Status SendFailure(int fd, const Error& error, Deadline deadline);

}  // namespace passnet::evaluator
