-- wrk's counts as one JSON object, the last line of its output.
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "errors": %d, "body_bytes": %d, "seconds": %.3f}\n', summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.bytes, summary.duration / 1e6))
end
