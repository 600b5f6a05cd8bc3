// The words of the lane protocol: frames of JSON on a Unix stream socket, one request at a time.
// Threads: constants. Source: docs/worker_protocol.md, "The lane protocol".
//   lane → client  {"type":"Hello","protocol":1,"build":…,"environment":{…}}  or  {"type":"Refused","code","message"}
//   client → lane  {"type":"Evaluate"|"Baseline"|"DescribeTask","request":{…}}  |  {"type":"Cancel"}
//   lane → client  {"type":"Progress","what","done","total"}*, then {"type":"Report","report":{…}}
//                  or {"type":"Failed","code":…,"message":…}: infra_*, or the request's own mistake
#pragma once

namespace passnet::evaluator {

inline constexpr int kLaneProtocol = 1;
inline constexpr int kLaneControlFd = 3;

}  // namespace passnet::evaluator
