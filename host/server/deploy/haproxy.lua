-- Asks Tokenlatch about a request. `haproxy.cfg` loads this file, and calls its action with the address of `/auth`.
--
-- The question is a GET without a body and with the header fields that are judged. The action only ever admits by setting
-- `txn.tokenlatch` to `admitted`; haproxy.cfg refuses everything else, also when this file fails.
-- What a client gets of a refusal.
local shown = { "www-authenticate", "retry-after", "cache-control", "content-type" }

core.register_action("tokenlatch", { "http-req" }, function(txn, url)
    local question = {
        -- Over TLS, the name in the service's certificate.
        ["host"] = { "localhost" },
        ["x-original-uri"] = { txn:get_var("txn.uri") },
        ["x-original-method"] = { txn.sf:method() },
    }
    local fields = txn.http:req_get_headers()
    -- HAProxy counts from 0. Every value goes on: two tokens are refused.
    for _, name in ipairs({
        "authorization", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id",
    }) do
        for _, value in pairs(fields[name] or {}) do
            question[name] = question[name] or {}
            table.insert(question[name], value)
        end
    end

    -- HAProxy asks up to four times, so after 5 s nobody waits any longer.
    local answer = core.httpclient():get({ url = url, headers = question, timeout = 1250 })
    if answer.status == 200 then
        -- haproxy.cfg copies these into header fields.
        for name, values in pairs(answer.headers) do
            if name:find("^x%-tokenlatch%-") then
                txn:set_var("txn." .. name:gsub("-", "_"), values[0])
            end
        end
        txn:set_var("txn.tokenlatch", "admitted")
    elseif answer.status >= 400 and answer.status < 500 then
        local reply = txn:reply({ status = answer.status, body = answer.body })
        for _, name in ipairs(shown) do
            for _, value in pairs(answer.headers[name] or {}) do
                reply:add_header(name, value)
            end
        end
        txn:done(reply)
    end
end, 1)
