#include "agent/campaign/lane_queue.h"

#include <algorithm>
#include <utility>

namespace passnet::agent {

std::list<LaneQueue::Line>::iterator LaneQueue::Find(const std::string& campaign_id) {
  return std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) { return line.campaign_id == campaign_id; });
}

void LaneQueue::PushBack(LaneTicketPtr ticket) {
  auto line = Find(ticket->asker.campaign_id);
  if (line == lines_.end()) line = lines_.insert(lines_.end(), Line{ticket->asker.campaign_id, {}});
  line->tickets.push_back(std::move(ticket));
  ++size_;
}

void LaneQueue::PushFront(LaneTicketPtr ticket) {
  auto line = Find(ticket->asker.campaign_id);
  if (line == lines_.end()) line = lines_.insert(lines_.begin(), Line{ticket->asker.campaign_id, {}});
  lines_.splice(lines_.begin(), lines_, line);
  line->tickets.push_front(std::move(ticket));
  ++size_;
}

bool LaneQueue::Remove(const LaneTicketPtr& ticket) {
  auto line = Find(ticket->asker.campaign_id);
  if (line == lines_.end()) return false;
  auto place = std::find(line->tickets.begin(), line->tickets.end(), ticket);
  if (place == line->tickets.end()) return false;
  line->tickets.erase(place);
  if (line->tickets.empty()) lines_.erase(line);
  --size_;
  return true;
}

LaneTicketPtr LaneQueue::Take(const std::function<bool(const LaneTicket&)>& suits) {
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    auto place = std::find_if(line->tickets.begin(), line->tickets.end(),
                              [&](const LaneTicketPtr& ticket) { return suits(*ticket); });
    if (place == line->tickets.end()) continue;
    LaneTicketPtr ticket = std::move(*place);
    line->tickets.erase(place);
    --size_;
    if (line->tickets.empty()) {
      lines_.erase(line);
    } else {
      lines_.splice(lines_.end(), lines_, line);
    }
    return ticket;
  }
  return nullptr;
}

std::map<std::string, int64_t> LaneQueue::waiting() const {
  std::map<std::string, int64_t> waiting;
  for (const Line& line : lines_) waiting[line.campaign_id] = static_cast<int64_t>(line.tickets.size());
  return waiting;
}

}  // namespace passnet::agent
