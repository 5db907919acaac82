-- Shows the token that every frame of a verify-isolation run carries (src/core/wire/token.ts): "VI", run tag, index, tag; 18 bytes, big-endian.
-- wireshark -X lua_script:contrib/wireshark/verify-isolation.lua evidence.pcapng
-- Filters: verify_isolation.index == 17, verify_isolation.run == 0x1234abcd. The tag can be checked by the tool alone: Wireshark has no key.
local token_length = 18
local proto = Proto("verify_isolation", "verify-isolation token")
local run = ProtoField.uint32("verify_isolation.run", "Run tag", base.HEX)
local index = ProtoField.uint32("verify_isolation.index", "Index", base.DEC)
local tag = ProtoField.bytes("verify_isolation.tag", "Tag")
proto.fields = { run, index, tag }

-- Where tokens stand: at the start of a raw, UDP, ICMP or TCP payload, and behind an ARP body, where Wireshark sees padding or a trailer.
local places = { Field.new("data.data"), Field.new("tcp.payload"), Field.new("eth.padding"), Field.new("eth.trailer") }

-- A packet that quotes another (an ICMP error) may hold several payloads.
function proto.dissector(tvb, pinfo, tree)
  local shown = {}
  for _, place in ipairs(places) do
    for _, found in ipairs({ place() }) do
      local bytes = found.range
      if bytes:len() >= token_length and bytes:range(0, 2):uint() == 0x5649 and not shown[bytes:offset()] then
        shown[bytes:offset()] = true
        local branch = tree:add(proto, bytes:range(0, token_length))
        branch:append_text(", index " .. bytes:range(6, 4):uint())
        branch:add(run, bytes:range(2, 4))
        branch:add(index, bytes:range(6, 4))
        branch:add(tag, bytes:range(10, 8))
      end
    end
  end
end

register_postdissector(proto)
