// Requests that wait for a lane: in order within a campaign, in turn between campaigns. There is no bound: each request is
// a trajectory that waits for its answer and asks nothing else meanwhile.
// Threads: loop-only. Errors: none.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/loop/ports.h"
#include "base/event.h"
#include "evaluator/client/lane_client.h"

namespace passnet::agent {

enum class LaneWork { kEvaluate, kBaseline, kDescribe };

struct LaneTicket {
  LaneWork work = LaneWork::kEvaluate;
  Asker asker;
  std::string what;  // "evaluate 3f2a91…", for people
  std::string task;  // its folder: captures of it are kept where it was worked on
  // On the thread of whichever process takes the request; keeps the answer. What our side failed with, if it did.
  std::function<std::optional<Error>(evaluator::LaneClient&, std::stop_token cancelled)> run;

  std::stop_source cancel;
  bool returned = false;  // once, because its evaluator had ended
  bool done = false;      // answered, or nobody waits any more
  passnet::Event changed;          // `done` is true
};
using LaneTicketPtr = std::shared_ptr<LaneTicket>;

class LaneQueue {
 public:
  void PushBack(LaneTicketPtr ticket);
  // For work that comes back: first of its campaign, and its campaign is next.
  void PushFront(LaneTicketPtr ticket);
  // False when it does not wait here.
  bool Remove(const LaneTicketPtr& ticket);
  // The next in turn that suits; null when none does.
  LaneTicketPtr Take(const std::function<bool(const LaneTicket&)>& suits);

  bool empty() const { return lines_.empty(); }
  size_t size() const { return size_; }
  std::map<std::string, int64_t> waiting() const;  // by campaign

 private:
  struct Line {
    std::string campaign_id;
    std::deque<LaneTicketPtr> tickets;  // never empty
  };
  std::list<Line>::iterator Find(const std::string& campaign_id);

  std::list<Line> lines_;  // in the order of their turns
  size_t size_ = 0;
};

}  // namespace passnet::agent
