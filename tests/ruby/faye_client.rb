# Ruby's Faye carries out a plan: ruby faye_client.rb PLAN, see ../node/plan.cjs.
#
# Its steps `rest`, `open`, `subscribe`, `wait`, `publish`, `sleep` and `disconnect` and its lines
# are those of plan.cjs; Faye runs on EventMachine, each step continues when the one before is done.

require 'json'
require 'uri'
require 'faye'
require 'em-http-request'

class PlanRunner
  def initialize(plan)
    @plan = plan
    @brought = {}
    @events = []
    @waiting = []
    @headers = {}
    @cookies = {}
    if plan['user']
      token = ["#{plan['user']}:#{plan['password']}"].pack('m0')
      @headers['Authorization'] = "Basic #{token}"
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def print_line(line)
    $stdout.puts(JSON.generate(line))
    $stdout.flush
  end

  def see(kind, fields = {})
    print_line({ kind: kind, at_s: now }.merge(fields))
  end

  def run
    EM.add_timer(@plan['limit_s'] || 30) { broken("the plan took longer than #{@plan['limit_s']} s") }
    @steps = @plan['steps'].dup
    advance
  end

  def advance
    step = @steps.shift
    if step.nil?
      see('end')
      return EM.stop
    end
    send("do_#{step['do']}", step) { EM.next_tick { advance } }
  end

  def broken(error)
    see('broken', error: error.to_s)
    exit!(3)
  end

  # A value with the fields of earlier steps in the places that stand for them.
  def filled(value)
    case value
    when Array then value.map { |item| filled(item) }
    when Hash
      if value['$text']
        value['$text'].map { |part| filled(part) }.join
      elsif value['$of']
        name, *fields = value['$of']
        fields.reduce(@brought[name]) { |found, field| found && found[field] }
      else
        value.transform_values { |item| filled(item) }
      end
    else value
    end
  end

  def do_rest(step, &done)
    sent = now
    headers = { 'Accept' => 'application/json' }.merge(@headers).merge(filled(step['headers'] || {}))
    options = { head: headers, keepalive: false }
    if step['json']
      headers['Content-Type'] = 'application/json'
      options[:body] = JSON.generate(filled(step['json']))
    end
    headers['Cookie'] = @cookies.values.join('; ') unless @cookies.empty?
    url = URI.join(@plan['base'], filled(step['target'])).to_s
    request = EM::HttpRequest.new(url).setup_request((step['method'] || 'GET').downcase.to_sym, options)
    request.errback { broken("#{url}: #{request.error}") }
    request.callback do
      text = request.response.force_encoding('UTF-8')
      json = begin
        JSON.parse(text)
      rescue JSON::ParserError
        nil
      end
      fields = request.response_header.to_h { |name, value| [name.downcase.tr('_', '-'), value] }
      keep_cookies(request.response_header['SET_COOKIE'])
      token = fields[fields['x-csrf-header'].to_s.downcase]
      @headers[fields['x-csrf-header']] = token if token
      @brought[step['name']] = json
      see('answer', step: step['name'], sent_s: sent, status: request.response_header.status,
                    headers: fields, text: text, json: json)
      done.call
    end
  end

  def keep_cookies(set_cookie)
    [*set_cookie].each do |cookie|
      pair = cookie.split(';').first
      @cookies[pair.split('=').first] = pair
    end
  end

  def do_open(step, &done)
    url = @plan['base'] + (@plan['path'] || '/cometd')
    @faye = Faye::Client.new(url, retry: 0.2)
    @faye.disable('websocket') if @plan['transport'] == 'long-polling'
    @headers.each { |name, value| @faye.set_header(name, value) }
    jar = dispatcher.cookies
    @cookies.each_value { |pair| jar.set_cookie(url, "#{pair}; Path=/") }
    @faye.add_extension(Ears.new(self))
    channels = step['channels'] || []
    left = channels.size + 1
    one_less = lambda do
      left -= 1
      over_wanted_transport(&done) if left.zero?
    end
    @connected = one_less
    @faye.connect
    channels.each { |channel| subscribe(channel) { one_less.call } }
  end

  def dispatcher
    @faye.instance_variable_get(:@dispatcher)
  end

  # Faye begins with long-polling and changes over when its WebSocket has opened.
  def over_wanted_transport(&done)
    transport = dispatcher.connection_type
    if transport == @plan['transport']
      see('open', transport: transport)
      done.call
    else
      EM.add_timer(0.01) { over_wanted_transport(&done) }
    end
  end

  def do_subscribe(step, &done)
    subscribe(step['channel'], &done)
  end

  def subscribe(channel)
    subscription = @faye.subscribe(channel) { |_data| nil }
    subscription.callback { yield }
    subscription.errback { |error| broken("subscribe to #{channel}: #{error}") }
  end

  # What Faye receives, whatever it makes of it.
  def hear(message)
    channel = message['channel']
    if channel.start_with?('/meta/')
      connect = channel == '/meta/connect' && message['successful'] == true
      see('meta', message: message) unless connect
      if connect && @connected
        connected, @connected = @connected, nil
        EM.next_tick { connected.call }
      end
    elsif message.key?('data')
      event = { 'channel' => channel, 'data' => message['data'], 'at_s' => now }
      print_line({ kind: 'event', message: message }.merge(event))
      @events << event
      @waiting.dup.each(&:call)
    end
  end

  def do_publish(step, &done)
    sent = now
    told = lambda do |fields|
      @brought[step['name']] = fields
      see('published', step: step['name'], sent_s: sent, message: fields)
      done.call
    end
    publication = @faye.publish(step['channel'], filled(step['data']))
    publication.callback { told.call('channel' => step['channel'], 'successful' => true) }
    publication.errback do |error|
      told.call('channel' => step['channel'], 'successful' => false, 'error' => error.to_s)
    end
  end

  def do_wait(step, &done)
    timer = nil
    look = lambda do
      event = @events.find { |one| matches?(one, step) }
      next unless event

      @events.delete_at(@events.index { |one| one.equal?(event) })
      @waiting.delete(look)
      EM.cancel_timer(timer)
      @brought[step['name']] = event['data']
      see('waited', step: step['name'], channel: event['channel'], data: event['data'],
                    event_at_s: event['at_s'], where: filled(step['where'] || {}))
      done.call
    end
    timer = EM.add_timer(step['limit_s'] || 5) do
      @waiting.delete(look)
      see('timeout', step: step['name'], where: filled(step['where'] || {}))
      done.call
    end
    @waiting << look
    look.call
  end

  def matches?(event, step)
    return false if step['channel'] && step['channel'] != event['channel']

    filled(step['where'] || {}).all? do |path, wanted|
      found = path.split('.').reduce(event['data']) { |value, key| value.is_a?(Hash) ? value[key] : nil }
      found == wanted
    end
  end

  def do_sleep(step, &done)
    EM.add_timer(step['seconds'], &done)
  end

  def do_disconnect(_step, &done)
    publication = @faye.disconnect
    publication.callback(&done)
    publication.errback { |_error| done.call }
  end
end

# A Faye extension that only listens.
class Ears
  def initialize(runner)
    @runner = runner
  end

  def incoming(message, onward)
    @runner.hear(message)
    onward.call(message)
  end
end

EM.run { PlanRunner.new(JSON.parse(ARGV[0])).run }
